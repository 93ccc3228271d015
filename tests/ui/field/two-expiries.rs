use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    first: Timestamp,
    #[kv(expires_at)]
    second: Timestamp,
}

fn main() {}
