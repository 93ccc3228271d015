use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = 3, version = "2", ttl = 60, crate = kv_runtime)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
