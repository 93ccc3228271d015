use kv_runtime::store::CloudflareStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

async fn pay(kv: Kv<CloudflareStore>) -> Result<()> {
    kv.transact(async |tx| {
        tx.update::<Account>(1, |account| account.cents -= 1).await?;
        tx.update::<Account>(2, |account| account.cents += 1).await.map(drop)
    })
    .await
}

fn main() {}
