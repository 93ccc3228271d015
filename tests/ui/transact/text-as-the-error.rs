use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

async fn pay(kv: Kv<MemoryStore>) -> Result<(), &'static str> {
    kv.try_transact(async |tx| {
        let account = tx.get::<Account>(1).await.map_err(|_| "the store failed")?;
        if account.is_none() {
            return Err("no account");
        }
        Ok(())
    })
    .await
}

fn main() {}
