use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, write_version = 3)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2))]
    role: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", version = 3, oldest = 2, write_version = 1)]
struct Org {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 3))]
    role: String,
}

fn main() {}
