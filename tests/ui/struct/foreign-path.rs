use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", kv::ttl = "1h", 3)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
