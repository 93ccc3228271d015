//! Transfers by `Kv::transact`.

use kv_runtime::store::AtomicStore;
use kv_runtime::{Error, Kv, KvEntity};

use crate::account::{Balance, Failure, Transfers};

#[derive(KvEntity)]
#[kv(prefix = "account")]
struct Account {
    #[kv(id)]
    id: u64,
    owner: String,
    iban: String,
    cents: i64,
    entries: u64,
}

impl Account {
    fn new(id: u64) -> Self {
        let Balance { owner, iban, cents, entries } = Balance::new(id);
        Self { id, owner, iban, cents, entries }
    }

    const fn add(&mut self, cents: i64) {
        self.cents += cents;
        self.entries += 1;
    }
}

/// Reads both accounts with one call.
pub struct Together<S>(pub Kv<S>);

/// Reads one account after the other.
pub struct OneByOne<S>(pub Kv<S>);

async fn open<S: AtomicStore>(kv: &Kv<S>, accounts: u64) -> Result<(), Failure> {
    Ok(kv.collection().put_many((0..accounts).map(Account::new)).await?)
}

fn gone(id: u64) -> Error {
    unreachable!("account {id} is never closed")
}

impl<S: AtomicStore> Transfers for Together<S> {
    async fn open(&self, accounts: u64) -> Result<(), Failure> {
        open(&self.0, accounts).await
    }

    async fn transfer(&self, from: u64, to: u64) -> Result<(), Failure> {
        let transferred = self.0.transact(async |tx| {
            let mut found = tx.get_many::<Account>([from, to]).await?.into_iter().flatten();
            let (Some(mut payer), Some(mut payee)) = (found.next(), found.next()) else {
                return Err(gone(from));
            };
            payer.add(-1);
            payee.add(1);
            tx.save(&payer)?;
            tx.save(&payee)
        });
        Ok(transferred.await?)
    }
}

impl<S: AtomicStore> Transfers for OneByOne<S> {
    async fn open(&self, accounts: u64) -> Result<(), Failure> {
        open(&self.0, accounts).await
    }

    async fn transfer(&self, from: u64, to: u64) -> Result<(), Failure> {
        let transferred = self.0.transact(async |tx| {
            tx.update::<Account>(from, |account| account.add(-1)).await?;
            tx.update::<Account>(to, |account| account.add(1)).await.map(drop)
        });
        Ok(transferred.await?)
    }
}
