use kv_runtime::KvEntity;

struct Gzip;

#[derive(KvEntity)]
#[kv(prefix = "user", adapter = Gzip)]
struct User {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "org", adapter = kv_runtime::adopt::Keyv, codec = "postcard")]
struct Org {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "team", adapter = "keyv")]
struct Team {
    #[kv(id)]
    id: u64,
}

fn main() {}
