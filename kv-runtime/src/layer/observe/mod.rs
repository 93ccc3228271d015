//! Counts, latencies and events of a store's calls.

mod latency;
mod stats;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kv_store::__private::{Stopwatch, causes};
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    EntryShards, GetOptions, IndexStore, Lease, ListQuery, Store, StoreExt, StoreInfo,
};
use kv_store::{Error, MaybeSend, Result};

use crate::layer::Operation;

pub use latency::Latencies;
use stats::{Counters, Ending};
pub use stats::{OperationStats, StoreStats};

/// The target of the events.
const TARGET: &str = "kv_runtime::store";

/// A store that counts and times its calls.
///
/// [`ObservedStore::stats`] returns, for each operation, how many calls ended in which way, and a
/// histogram of their latency. Each call also emits a `tracing` event with the target
/// `kv_runtime::store` and the fields `operation`, `records` (the number of keys), `outcome` and
/// `micros`. The level is debug. It is warn if the call failed, with `error` and `cause`, or if it
/// was [slow](ObservedStore::warn_above). The event is inside the collection's span, which names
/// entity and key.
///
/// A collection may decode records while the store lists them ([`Store::list`]). The latency
/// of such a list includes the decoding.
///
/// Around a [`RetryStore`](crate::layer::RetryStore) it counts the application's calls; inside it
/// counts each attempt.
///
/// ```
/// use kv_runtime::key::Key;
/// use kv_runtime::layer::{ObservedStore, Operation};
/// use kv_runtime::store::{MemoryStore, StoreExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = ObservedStore::new(MemoryStore::new());
/// store.read(&Key::from_text("user:7")).await?;
/// let stats = store.stats();
/// let gets = stats.of(Operation::Get);
/// println!("{} gets, 99 % within {:?}", gets.calls(), gets.latencies.quantile(0.99));
/// assert_eq!((gets.done, gets.failed), (1, 0));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ObservedStore<S> {
    inner: S,
    counters: Arc<Counters>,
    slow: Duration,
}

impl<S: Store> ObservedStore<S> {
    /// Wraps a store. All counters are zero. Clones share them.
    pub fn new(inner: S) -> Self {
        Self { inner, counters: Arc::default(), slow: Duration::MAX }
    }

    /// Logs a warning for each call that takes longer than `slow`.
    #[must_use]
    pub const fn warn_above(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// Returns the counts up to now.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.read()
    }

    /// Returns the wrapped store, whose calls are not counted.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    async fn observe<T>(
        &self,
        operation: Operation,
        records: usize,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.observe_as(operation, records, call, |_| Ending::Done).await
    }

    async fn observe_as<T>(
        &self,
        operation: Operation,
        records: usize,
        call: impl Future<Output = Result<T>>,
        ending: impl FnOnce(&T) -> Ending,
    ) -> Result<T> {
        let observed = Observed {
            counters: &self.counters,
            operation,
            records,
            slow: self.slow,
            since: Stopwatch::start(self.inner.clock()),
            has_ended: false,
        };
        let result = call.await;
        match &result {
            Ok(done) => observed.end(ending(done), None),
            Err(error) => observed.end(Ending::of(error), Some(error)),
        }
        result
    }
}

/// A call under way. One whose future is dropped is counted when it goes.
struct Observed<'a> {
    counters: &'a Counters,
    operation: Operation,
    records: usize,
    slow: Duration,
    since: Stopwatch,
    has_ended: bool,
}

impl Observed<'_> {
    fn end(mut self, ending: Ending, error: Option<&Error>) {
        self.has_ended = true;
        self.report(ending, error);
    }

    fn report(&self, ending: Ending, error: Option<&Error>) {
        let took = self.since.elapsed();
        self.counters.count(self.operation, ending, took);
        let (operation, records, outcome) = (self.operation.name(), self.records, ending.name());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match error {
            Some(error) => {
                let cause = causes(error);
                tracing::warn!(target: TARGET, operation, records, outcome, micros, %error, cause);
            }
            None if took > self.slow => {
                tracing::warn!(target: TARGET, operation, records, outcome, micros, "slow");
            }
            None => tracing::debug!(target: TARGET, operation, records, outcome, micros),
        }
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.report(Ending::Dropped, None);
        }
    }
}

impl<S: Store> Store for ObservedStore<S> {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.observe(Operation::of_get(options), 1, self.inner.get(key, options)).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.observe(Operation::GetMany, keys.len(), self.inner.get_many(keys, options)).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let (operation, records) = (Operation::of_batch(&batch), batch.len());
        self.observe(operation, records, self.inner.write(batch)).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let ending = |commit: &Commit| match commit {
            Commit::Done => Ending::Done,
            Commit::Conflict(_) => Ending::Conflict,
        };
        let records = batch.len();
        self.observe_as(Operation::Commit, records, self.inner.commit(conditions, batch), ending).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.observe(Operation::List, query.limit(), self.inner.list(query, each)).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.observe(Operation::Lease, keys.len(), self.inner.lease(keys, life)).await
    }
}

impl<S: AtomicStore> AtomicStore for ObservedStore<S> {}

impl<S: IndexStore> IndexStore for ObservedStore<S> {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.observe(Operation::Entries, query.limit, self.inner.entries(query)).await
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        self.observe(Operation::Entries, 1, self.inner.entry_shards(index, after)).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let records = 2 + query.behind.len();
        self.observe(Operation::GetMany, records, self.inner.claim(query)).await
    }
}

impl<S: Store> fmt::Debug for ObservedStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedStore")
            .field("store", &self.inner.name())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
