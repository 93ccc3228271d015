use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

async fn sum(kv: Kv<MemoryStore>) -> Result<i64> {
    kv.transact(async |tx| {
        let page = tx.list::<Account>().page().await?;
        Ok(page.entities.iter().map(|account| account.cents).sum())
    })
    .await
}

fn main() {}
