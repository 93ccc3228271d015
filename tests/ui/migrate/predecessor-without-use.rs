use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct UserV1 {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", previous = UserV1)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, oldest = 2, previous = UserV1)]
struct RecentUser {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
