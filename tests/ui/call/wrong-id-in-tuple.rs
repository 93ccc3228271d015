use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
    role: String,
}

async fn read(kv: Kv<MemoryStore>) -> Result<Option<Member>> {
    kv.collection::<Member>().get(("acme", "7")).await
}

fn main() {}
