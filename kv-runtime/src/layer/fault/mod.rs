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
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, Capabilities, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery,
    EntryRef, EntryShards, FairQueue, GetOptions, IndexStore, Lease, ListQuery, Store, StoreExt, StoreInfo,
    Write, WriteHub,
};
use kv_store::{Error, MaybeSend, Result};

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
    /// What it says that it is, in the place of what the wrapped store is.
    pretended: Option<StoreInfo>,
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
    pub fn pretending(mut self, capabilities: Capabilities) -> Self {
        self.pretended = Some(self.info().clone().with_capabilities(capabilities));
        self
    }

    /// Returns the same store as another process has it, to test what several processes see of each
    /// other. Caches on it hear nothing of the writes of this process, which hears nothing of its
    /// writes. Updates of one record do not wait for each other.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use kv_runtime::cache::Cache;
    /// use kv_runtime::layer::FaultStore;
    /// use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    ///
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "user")]
    /// struct User {
    ///     #[kv(id)]
    ///     id: u64,
    ///     name: String,
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let store = MemoryStore::new();
    /// let elsewhere = FaultStore::new(store.clone()).in_another_process();
    /// let elsewhere = Kv::new(elsewhere).collection::<User>();
    /// let cached = Kv::new(store).collection::<User>().cached(Cache::new());
    /// cached.put(User { id: 7, name: "Ada".to_owned() }).await?;
    ///
    /// elsewhere.update(7, |user| user.name.push('!')).await?;
    /// let name = |user: Option<Arc<User>>| user.map(|user| user.name.clone());
    /// assert_eq!(name(cached.get(7).await?).as_deref(), Some("Ada")); // until `memory_ttl` is over
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_another_process(mut self) -> Self {
        let info = self.info().clone();
        self.pretended = Some(info.with_write_hub(WriteHub::new()).with_fair_queue(FairQueue::new()));
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
        Call::new(operation, self.info().at(keys.first().copied()), self.faults.strike(operation, &keys))
    }

    /// The refusal of a store that pretends to have no compare-and-swap.
    fn check_commits(&self, key: Option<&Key>) -> Result<()> {
        match &self.pretended {
            Some(info) if !info.capabilities().compare_and_swap => {
                Err(Error::Unsupported { at: self.info().at(key), capability: "compare-and-swap" })
            }
            _ => Ok(()),
        }
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn info(&self) -> &StoreInfo {
        self.pretended.as_ref().unwrap_or_else(|| self.inner.info())
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.around(self.call(Operation::of_get(options), [key]), || self.inner.get(key, options)).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.around(self.call(Operation::GetMany, keys), || self.inner.get_many(keys, options)).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let call = self.call(Operation::of_batch(&batch), batch.iter().map(Write::key));
        if !call.is_cut() || batch.len() < 2 {
            return self.around(call, || self.inner.write(batch)).await;
        }
        let mut writes = batch.into_vec();
        let lost = writes.split_off(writes.len() / 2);
        let (written, at) = (writes.len(), self.info().at(lost.first().map(Write::key)));
        self.inner.write(writes.into()).await?;
        Err(call.partial(at, written))
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let keys = batch.iter().map(Write::key).chain(conditions.iter().map(|condition| &condition.key));
        self.check_commits(keys.clone().next())?;
        let call = self.call(Operation::Commit, keys);
        self.around(call, || self.inner.commit(conditions, batch)).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let call = self.call(Operation::List, [query.prefix()]);
        self.around(call, || self.inner.list(query, each)).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.around(self.call(Operation::Lease, keys), || self.inner.lease(keys, life)).await
    }
}

impl<S: AtomicStore> AtomicStore for FaultStore<S> {}

impl<S: IndexStore> IndexStore for FaultStore<S> {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let call = self.call(Operation::Entries, [&query.index]);
        self.around(call, || self.inner.entries(query)).await
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        let call = self.call(Operation::Entries, [index]);
        self.around(call, || self.inner.entry_shards(index, after)).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let call = self.call(Operation::GetMany, [&query.also, &query.claim]);
        self.around(call, || self.inner.claim(query)).await
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
