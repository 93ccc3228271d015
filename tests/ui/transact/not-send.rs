use std::rc::Rc;

use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

fn pay(kv: Kv<MemoryStore>) {
    tokio::spawn(async move {
        let paid: Result<()> = kv
            .transact(async |tx| {
                let cents = Rc::new(5);
                let account = tx.get::<Account>(1).await?;
                tx.put(&Account { id: 2, cents: account.map_or(*cents, |account| account.cents) })
            })
            .await;
        drop(paid);
    });
}

fn main() {}
