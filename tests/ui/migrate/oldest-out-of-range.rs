use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, oldest = 0)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", version = 2, oldest = 3)]
struct Org {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
