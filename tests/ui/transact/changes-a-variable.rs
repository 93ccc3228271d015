use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

async fn count(kv: Kv<MemoryStore>) -> Result<u32> {
    let mut runs = 0;
    kv.transact(async |tx| {
        runs += 1;
        tx.update::<Account>(1, |account| account.cents += 1).await.map(drop)
    })
    .await?;
    Ok(runs)
}

fn main() {}
