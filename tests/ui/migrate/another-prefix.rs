use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "usr")]
struct UserV1 {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, previous = UserV1)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

impl From<UserV1> for User {
    fn from(old: UserV1) -> Self {
        Self { id: old.id, name: old.name }
    }
}

fn main() {}
