//! What the commit of a transaction needs for the indexes of what it writes. It is found at the end,
//! from the records before and after all writes, so a unique value can move from one entity to
//! another within the transaction.

use std::sync::Arc;

use super::limits::check_writes;
use super::read::WHOLE;
use super::state::INDEX;
use super::tx::Tx;
use crate::collection::indexed::{Change, IndexedType, Reads, plan};
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Batch, Store, StoreExt};
use kv_store::{MaybeSend, Result};

/// The reads of a transaction. Each is a condition of its commit.
struct TxReads<'a, S>(&'a Tx<S>);

impl<S: Store> Reads for TxReads<'_, S> {
    fn read(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        self.0.records(keys, INDEX)
    }
}

impl<S: Store> Tx<S> {
    /// Adds what the indexes need to the writes.
    pub(super) async fn add_indexes(&self) -> Result<()> {
        let indexed: Vec<(Key, Arc<dyn IndexedType>)> = {
            let state = self.lock();
            if state.end.is_some() {
                return Ok(());
            }
            state.indexed.iter().map(|(key, of)| (key.clone(), Arc::clone(of))).collect()
        };
        if indexed.is_empty() {
            return Ok(());
        }
        let mut changes = Vec::with_capacity(indexed.len());
        for (anchor, of) in &indexed {
            of.make_ready().await?;
            let keys = of.keys(anchor);
            let before = self.seen(&keys).await?;
            self.records(&keys, INDEX).await?;
            let after = self.lock().current(&keys, || self.now()).unwrap_or_else(|| before.clone());
            changes.push(Change { of: &**of, anchor: anchor.clone(), before, after });
        }
        let plan = plan(&changes, &TxReads(self)).await?;
        if let Some(taken) = plan.taken.into_iter().next() {
            return Err(taken);
        }
        let limits = self.kv.store().capabilities().limits;
        let writes = Batch::from(plan.writes);
        let mut state = self.lock();
        if let Err((key, refused)) = check_writes(&state, &writes, None, &limits) {
            return Err(refused.into_error(self.at(key, None)));
        }
        state.write(writes, INDEX, None);
        Ok(())
    }

    /// Returns the records as the store has them, also those that the transaction writes.
    async fn seen(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        loop {
            if let Some(records) = self.lock().seen(keys) {
                return Ok(records);
            }
            self.learn_of(|state| state.unseen(keys), WHOLE, INDEX).await?;
        }
    }
}
