use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, oldest = 2)]
struct UserV2 {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, previous = UserV2)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2))]
    name: String,
}

impl From<UserV2> for User {
    fn from(old: UserV2) -> Self {
        Self { id: old.id, name: old.name }
    }
}

fn main() {}
