//! Transactions in tasks, with borrowed captures, in functions that are generic over the store, and
//! helpers that take the transaction.

use std::collections::HashMap;
use std::sync::Arc;

use kv_runtime::store::{AtomicStore, MemoryStore};
use kv_runtime::{Error, Kv, KvEntity, Result, Tx};

#[derive(KvEntity, Clone)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
}

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    name: String,
    cents: i64,
}

#[derive(Debug)]
enum Refused {
    NoAccount,
    Store,
}

impl From<Error> for Refused {
    fn from(_: Error) -> Self {
        Self::Store
    }
}

async fn take<S: AtomicStore>(tx: &Tx<S>, id: u64, cents: i64) -> Result<i64, Refused> {
    let mut account = tx.get::<Account>(id).await?.ok_or(Refused::NoAccount)?;
    account.cents -= cents;
    tx.save(&account)?;
    Ok(account.cents)
}

async fn pay<S: AtomicStore>(kv: &Kv<S>, from: u64, to: &[u64]) -> Result<i64, Refused> {
    kv.try_transact(async |tx| {
        for id in to {
            take(tx, *id, -1).await?;
        }
        take(tx, from, to.len() as i64).await
    })
    .await
}

async fn in_a_task(kv: Kv<MemoryStore>) {
    let names = vec!["ada".to_owned(), "bob".to_owned()];
    let rates: Arc<HashMap<String, i64>> = Arc::default();
    let task = tokio::spawn(async move {
        let paid = pay(&kv, 1, &[2, 3]).await;
        let found = kv
            .transact(async |tx| {
                let mut found = Vec::new();
                for name in &names {
                    let user = tx.upsert::<User>(
                        name,
                        || User { name: name.clone(), cents: 0 },
                        |user| user.cents += rates.get(name).copied().unwrap_or_default(),
                    );
                    found.push(user.await?.cents);
                }
                let rest = tx.get_many::<User>(&names).await?;
                let inner = kv.transact(async |inner| inner.exists::<User>("eve").await).await?;
                Ok((found, rest.len(), inner))
            })
            .await;
        let owned = vec![1_u64];
        let moved = kv.transact(async move |tx| tx.get_many::<Account>(owned).await).await;
        (paid.is_ok(), found.is_ok(), moved.is_ok())
    });
    drop(task);
}

fn main() {
    drop(in_a_task(Kv::new(MemoryStore::new())));
}
