use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

async fn keep(kv: Kv<MemoryStore>) -> Result<()> {
    let tx = kv.transact(async |tx| Ok(tx)).await?;
    tx.put(&Account { id: 1, cents: 0 })
}

fn main() {}
