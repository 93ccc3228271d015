use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result, Timestamp};

#[derive(KvEntity)]
#[kv(prefix = "invite")]
struct Invite {
    #[kv(id)]
    code: u64,
    #[kv(expires_at)]
    until: Timestamp,
}

async fn extend(kv: Kv<MemoryStore>) -> Result<bool> {
    kv.collection::<Invite>().touch(1).await
}

fn main() {}
