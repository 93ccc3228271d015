//! Faults on purpose: what a test needs to see how code fares when its store does not.
//!
//! `rules` (which calls meet which fault), `call` (what a fault does to a call), `gate` (where
//! calls stand until a test lets them go on).

mod call;
mod gate;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record, RecordRef, Revision};
use kv_store::store::{
    AtomicStore, Capabilities, Commit, Condition, Cursor, FairQueue, Lease, ListPage, ListQuery, Mark, Store,
    Write,
};
use kv_store::{Clock, Error, Location, MaybeSend, Result};

use crate::layer::Operation;

use call::Call;
pub use gate::Gate;
pub use rules::{Fault, Faults};

/// A store whose calls fail, are late or hang on demand, for tests (feature `faults`).
///
/// ```
/// use kv_runtime::layer::{Fault, FaultStore, Operation};
/// use kv_runtime::{Error, Kv, KvEntity, store::MemoryStore};
///
/// #[derive(KvEntity, Debug)]
/// #[kv(prefix = "user")]
/// struct User {
///     #[kv(id)]
///     id: u64,
///     visits: u64,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = FaultStore::new(MemoryStore::new());
/// let faults = store.faults().clone();
/// let users = Kv::new(store).collection::<User>();
/// users.put(&User { id: 7, visits: 0 }).await?;
///
/// // The next commit is made, and its reply gets lost.
/// faults.add(Fault::fail().after().on(&[Operation::Commit]).times(1));
/// let lost = users.update(7, |user| user.visits += 1).await;
/// assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })));
/// assert_eq!(users.get(7).await?.map(|user| user.visits), Some(1));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FaultStore<S> {
    inner: S,
    faults: Faults,
    pretended: Option<Capabilities>,
}

impl<S: Store> FaultStore<S> {
    /// Wraps a store, without a fault. Add faults to [`FaultStore::faults`].
    pub fn new(inner: S) -> Self {
        Self::with_faults(inner, Faults::default())
    }

    /// Wraps a store with these faults, which it may share with other stores.
    pub const fn with_faults(inner: S, faults: Faults) -> Self {
        Self { inner, faults, pretended: None }
    }

    /// Returns the same store with other capabilities, to test code for a store that is shared,
    /// slow to show writes, or has small limits. Without [`Capabilities::compare_and_swap`] commits
    /// are refused.
    #[must_use]
    pub const fn pretending(mut self, capabilities: Capabilities) -> Self {
        self.pretended = Some(capabilities);
        self
    }

    /// Returns the faults.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the wrapped store, whose calls have no faults.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    async fn around<T, F: Future<Output = Result<T>>>(
        &self,
        call: Call,
        engine: impl FnOnce() -> F,
    ) -> Result<T> {
        let timer = self.inner.clock().timer();
        call.before(timer).await?;
        let done = engine().await?;
        call.after(timer).await?;
        Ok(done)
    }

    fn call<'k>(&self, operation: Operation, keys: impl IntoIterator<Item = &'k Key>) -> Call {
        let keys: Vec<&Key> = keys.into_iter().collect();
        Call::new(operation, self.at(keys.first().copied()), self.faults.strike(operation, &keys))
    }

    fn at(&self, key: Option<&Key>) -> Box<Location> {
        let name = self.inner.name();
        key.map_or_else(|| Location::store(name), |key| Location::of(name, key))
    }

    /// The refusal of a store that pretends to have no compare-and-swap.
    fn check_commits(&self, key: Option<&Key>) -> Result<()> {
        match self.pretended {
            Some(capabilities) if !capabilities.compare_and_swap => {
                Err(Error::Unsupported { at: self.at(key), capability: "compare-and-swap" })
            }
            _ => Ok(()),
        }
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    fn locate(&self, at: &mut Location) {
        self.inner.locate(at);
    }

    fn fair_queue(&self) -> Option<&FairQueue> {
        self.inner.fair_queue()
    }

    fn capabilities(&self) -> Capabilities {
        self.pretended.unwrap_or_else(|| self.inner.capabilities())
    }

    fn mark(&self) -> Mark {
        self.inner.mark()
    }

    fn has_settled(&self, mark: Mark) -> bool {
        self.inner.has_settled(mark)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.around(self.call(Operation::Lease, keys), || self.inner.lease(keys, life)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.around(self.call(Operation::Get, [key]), || self.inner.get(key)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.around(self.call(Operation::GetMany, keys), || self.inner.get_many(keys)).await
    }

    async fn get_with_expiry(&self, key: &Key) -> Result<Option<Record>> {
        self.around(self.call(Operation::Get, [key]), || self.inner.get_with_expiry(key)).await
    }

    async fn get_many_with_expiry(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.around(self.call(Operation::GetMany, keys), || self.inner.get_many_with_expiry(keys)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.around(self.call(Operation::Head, [key]), || self.inner.head(key)).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.around(self.call(Operation::Put, [&key]), || self.inner.put(key, record)).await
    }

    async fn put_many(&self, mut records: Vec<(Key, NewRecord)>) -> Result<()> {
        let call = self.call(Operation::PutMany, records.iter().map(|(key, _)| key));
        if !call.is_cut() {
            return self.around(call, || self.inner.put_many(records)).await;
        }
        let lost = records.split_off(records.len() / 2);
        let (written, at) = (records.len(), self.at(lost.first().map(|(key, _)| key)));
        self.inner.put_many(records).await?;
        Err(call.partial(at, written))
    }

    async fn put_part(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        // Its faults are those of any batch.
        self.put_many(records).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        self.check_commits(Some(&key))?;
        let call = self.call(Operation::Replace, [&key]);
        self.around(call, || self.inner.replace(key, revision, record)).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.around(self.call(Operation::Delete, [&key]), || self.inner.delete(key)).await
    }

    async fn delete_many(&self, mut keys: Vec<Key>) -> Result<()> {
        let call = self.call(Operation::DeleteMany, &keys);
        if !call.is_cut() {
            return self.around(call, || self.inner.delete_many(keys)).await;
        }
        let lost = keys.split_off(keys.len() / 2);
        let (written, at) = (keys.len(), self.at(lost.first()));
        self.inner.delete_many(keys).await?;
        Err(call.partial(at, written))
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.around(self.call(Operation::List, [query.prefix()]), || self.inner.list(query)).await
    }

    async fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let call = self.call(Operation::List, [query.prefix()]);
        self.around(call, || self.inner.list_each(query, each)).await
    }
}

impl<S: AtomicStore> AtomicStore for FaultStore<S> {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let keys = writes.iter().map(Write::key).chain(conditions.iter().map(|condition| &condition.key));
        self.check_commits(keys.clone().next())?;
        let call = self.call(Operation::Commit, keys);
        self.around(call, || self.inner.commit(conditions, writes)).await
    }
}

impl<S: Store> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore")
            .field("store", &self.inner.name())
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
