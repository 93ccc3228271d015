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
                tx.update::<Account>(1, |account| account.cents += *cents).await?;
                Ok(())
            })
            .await;
        drop(paid);
    });
}

fn main() {}
