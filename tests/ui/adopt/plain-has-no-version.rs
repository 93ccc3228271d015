use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", plain, version = 2)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", plain, version = 3, write_version = 2)]
struct Org {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "fullName", since = 3))]
    name: String,
    #[kv(added(since = 2))]
    size: u64,
}

fn main() {}
