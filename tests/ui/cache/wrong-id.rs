use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

use kv_runtime::cache::Cache;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

async fn read(kv: Kv<MemoryStore>) -> Result<()> {
    let users = kv.collection::<User>().cached(Cache::new());
    let _ = users.get("7").await?;
    let _ = users.get_many(["7"]).await?;
    Ok(())
}

fn main() {}
