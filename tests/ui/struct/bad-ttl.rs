use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "30")]
struct Unitless {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "5 minutes")]
struct Words {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "300ms")]
struct Milliseconds {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "0s")]
struct Nothing {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "")]
struct Empty {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user", ttl = "99999999999999999999d")]
struct Endless {
    #[kv(id)]
    id: u64,
}

fn main() {}
