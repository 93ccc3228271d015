use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "session")]
struct Session {
    #[kv(id)]
    token: String,
    user: u64,
}

async fn read(kv: Kv<MemoryStore>, token: String) -> Result<Option<Session>> {
    kv.collection::<Session>().get(token).await
}

fn main() {}
