use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, expires_at)]
    id: u64,
    name: String,
}

fn main() {}
