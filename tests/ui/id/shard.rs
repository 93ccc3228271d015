use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct NotLeading {
    #[kv(id)]
    org: String,
    #[kv(id, shard)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct Twice {
    #[kv(id, shard)]
    org: String,
    #[kv(id, shard)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct RepeatedKey {
    #[kv(id, shard, shard)]
    org: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct WithoutId {
    #[kv(id)]
    id: u64,
    #[kv(shard)]
    org: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct WithValue {
    #[kv(id, shard = true)]
    org: String,
}

#[derive(KvEntity)]
#[kv(prefix = "file")]
struct RawId {
    #[kv(id, raw, shard)]
    path: String,
}

#[derive(KvEntity)]
#[kv(prefix = "file")]
struct BesideRawId {
    #[kv(id, shard)]
    org: String,
    #[kv(id, raw)]
    path: String,
}

#[derive(KvEntity)]
#[kv(shared_prefix = "legacy-")]
struct SharedPrefix {
    #[kv(id, shard)]
    org: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", shard)]
struct OnTheStruct {
    #[kv(id)]
    org: String,
}

fn main() {}
