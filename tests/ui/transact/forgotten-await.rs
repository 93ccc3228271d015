use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

#[deny(unused_must_use)]
async fn pay(kv: Kv<MemoryStore>) -> Result<()> {
    kv.transact(async |tx| {
        tx.update::<Account>(1, |account| account.cents -= 1);
        tx.put(&Account { id: 2, cents: 1 })
    })
    .await
}

fn main() {}
