use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

#[derive(KvEntity)]
#[kv(prefix = "entry")]
struct Entry {
    #[kv(id)]
    id: u64,
}

struct Cents(i64);

async fn save(kv: Kv<MemoryStore>) -> Result<()> {
    kv.transact(async |tx| {
        let account = tx.get::<Account>(1).await?;
        tx.save::<Entry>(&account.unwrap_or(Account { id: 1, cents: 0 }))?;
        tx.save(&Cents(1))
    })
    .await
}

fn main() {}
