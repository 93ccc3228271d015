use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2), added(since = 3))]
    name: String,
}

fn main() {}
