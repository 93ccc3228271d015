use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "24h")]
struct OfTheEntity {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Timestamp,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group(name = "login", ttl = "24h"))]
struct OfTheGroup {
    #[kv(id)]
    id: u64,
    #[kv(group = "login", expires_at)]
    until: Timestamp,
}

fn main() {}
