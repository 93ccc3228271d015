use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "login"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "login", expires_at)]
    until: Timestamp,
}

fn main() {}
