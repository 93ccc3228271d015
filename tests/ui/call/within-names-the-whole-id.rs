use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity};

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
    role: String,
}

fn list(kv: Kv<MemoryStore>) {
    let _ = kv.collection::<Member>().list().within(("acme", 7));
}

fn main() {}
