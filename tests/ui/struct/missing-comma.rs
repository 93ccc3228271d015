use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user" version = 2, oldest = 2, ttl = "1h")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
