use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user:", ttl = "5x")]
#[serde(tag = "type")]
enum User {
    Admin { name: String },
}

#[derive(KvEntity)]
#[kv(prefx = "pair")]
struct Pair(u64, String);

fn main() {}
