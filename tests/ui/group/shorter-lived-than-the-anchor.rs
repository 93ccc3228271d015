use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", ttl = "24h")]
#[kv(group(name = "login", ttl = "1h"), group(name = "quota", ttl = "24h"), group(name = "hints", ttl = "1h", optional))]
struct Shorter {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "login")]
    tries: u8,
    #[kv(group = "quota")]
    quota: u8,
    #[kv(group = "hints")]
    seen: u8,
}

#[derive(KvEntity)]
#[kv(prefix = "page", group(name = "body", ttl = "5m"))]
struct BesideOneThatStays {
    #[kv(id)]
    path: String,
    title: String,
    #[kv(group = "body")]
    html: String,
}

#[derive(KvEntity)]
#[kv(prefix = "offer", group(name = "text", ttl = "30d"))]
struct BesideAMoment {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Timestamp,
    #[kv(group = "text")]
    text: String,
}

fn main() {}
