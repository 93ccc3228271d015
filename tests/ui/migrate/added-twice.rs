use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2), added(since = 2))]
    name: String,
}

fn main() {}
