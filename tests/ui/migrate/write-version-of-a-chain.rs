use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2)]
struct UserV2 {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "nick", since = 2))]
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, write_version = 1, previous = UserV2)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

impl From<UserV2> for User {
    fn from(old: UserV2) -> Self {
        Self { id: old.id, name: old.name }
    }
}

impl From<&User> for UserV2 {
    fn from(new: &User) -> Self {
        Self { id: new.id, name: new.name.clone() }
    }
}

fn main() {}
