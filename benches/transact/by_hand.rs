//! Transfers as an engineer would write them on the store's own methods: readable keys, JSON, a
//! version, and another attempt after a conflict.

use kv_runtime::Codec;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord, Record};
use kv_runtime::store::{AtomicStore, Commit, Condition, Expect, StoreExt, Write};

use crate::account::{Balance, Failure, Transfers};

pub struct ByHand<S>(pub S);

fn key(id: u64) -> Key {
    Key::from_text(format!("account:{id}"))
}

/// The record after a transfer, and the condition that it is still the one that was read.
fn changed(key: Key, record: Option<Record>, cents: i64) -> Result<(Condition, Write), Failure> {
    let record = record.ok_or("no account is closed")?;
    let mut balance: Balance = serde_json::from_slice(&record.value)?;
    balance.add(cents);
    let new = NewRecord::new(serde_json::to_vec(&balance)?, record.metadata);
    Ok((Condition::new(key.clone(), Expect::Revision(record.revision)), Write::Update(key, new)))
}

impl<S: AtomicStore> Transfers for ByHand<S> {
    async fn open(&self, accounts: u64) -> Result<(), Failure> {
        let mut records = Vec::new();
        for id in 0..accounts {
            let metadata = Metadata::new(1, Codec::Json).with_created_at(Some(self.0.clock().now()));
            records.push((key(id), NewRecord::new(serde_json::to_vec(&Balance::new(id))?, metadata)));
        }
        Ok(self.0.put_many(records).await?)
    }

    async fn transfer(&self, from: u64, to: u64) -> Result<(), Failure> {
        loop {
            let keys = [key(from), key(to)];
            let mut found = self.0.read_many(&keys).await?.into_iter();
            let [payer, payee] = keys;
            let (of_payer, payer) = changed(payer, found.next().flatten(), -1)?;
            let (of_payee, payee) = changed(payee, found.next().flatten(), 1)?;
            if self.0.commit(vec![of_payer, of_payee], vec![payer, payee].into()).await? == Commit::Done {
                return Ok(());
            }
        }
    }
}
