use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user:", ttl = "5x")]
#[serde(tag = "type")]
enum User {
    Admin {
        #[kv(id, grup = "profile")]
        name: String,
    },
}

#[derive(KvEntity)]
#[kv(prefx = "pair")]
struct Pair(#[kv(idd)] u64, #[kv(group = 3, added(2))] String);

fn main() {}
