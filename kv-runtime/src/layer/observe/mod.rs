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
use kv_store::record::{Head, NewRecord, Record, RecordRef, Revision};
use kv_store::store::{
    AtomicStore, Capabilities, Commit, Condition, Cursor, FairQueue, Lease, ListPage, ListQuery, Mark, Store,
    Write,
};
use kv_store::{Clock, Error, Location, MaybeSend, Result};

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
/// A collection may decode records while the store lists them ([`Store::list_each`]). The latency
/// of such a list includes the decoding.
///
/// Around a [`RetryStore`](crate::layer::RetryStore) it counts the application's calls; inside it
/// counts each attempt.
///
/// ```
/// use kv_runtime::key::Key;
/// use kv_runtime::layer::{ObservedStore, Operation};
/// use kv_runtime::store::{MemoryStore, Store};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = ObservedStore::new(MemoryStore::new());
/// store.get(&Key::from_text("user:7")).await?;
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

    async fn observe_commit(
        &self,
        operation: Operation,
        records: usize,
        call: impl Future<Output = Result<Commit>>,
    ) -> Result<Commit> {
        let ending = |commit: &Commit| match commit {
            Commit::Done => Ending::Done,
            Commit::Conflict(_) => Ending::Conflict,
        };
        self.observe_as(operation, records, call, ending).await
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
        self.tell(ending, error);
    }

    fn tell(&self, ending: Ending, error: Option<&Error>) {
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
            self.tell(Ending::Dropped, None);
        }
    }
}

impl<S: Store> Store for ObservedStore<S> {
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
        self.inner.capabilities()
    }

    fn mark(&self) -> Mark {
        self.inner.mark()
    }

    fn has_settled(&self, mark: Mark) -> bool {
        self.inner.has_settled(mark)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.observe(Operation::Lease, keys.len(), self.inner.lease(keys, life)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.observe(Operation::Get, 1, self.inner.get(key)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.observe(Operation::GetMany, keys.len(), self.inner.get_many(keys)).await
    }

    async fn get_with_expiry(&self, key: &Key) -> Result<Option<Record>> {
        self.observe(Operation::Get, 1, self.inner.get_with_expiry(key)).await
    }

    async fn get_many_with_expiry(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.observe(Operation::GetMany, keys.len(), self.inner.get_many_with_expiry(keys)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.observe(Operation::Head, 1, self.inner.head(key)).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.observe(Operation::Put, 1, self.inner.put(key, record)).await
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.observe(Operation::PutMany, records.len(), self.inner.put_many(records)).await
    }

    async fn put_part(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.observe(Operation::PutMany, records.len(), self.inner.put_part(records)).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        self.observe_commit(Operation::Replace, 1, self.inner.replace(key, revision, record)).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.observe(Operation::Delete, 1, self.inner.delete(key)).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.observe(Operation::DeleteMany, keys.len(), self.inner.delete_many(keys)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.observe(Operation::List, query.limit(), self.inner.list(query)).await
    }

    async fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.observe(Operation::List, query.limit(), self.inner.list_each(query, each)).await
    }
}

impl<S: AtomicStore> AtomicStore for ObservedStore<S> {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let records = writes.len();
        self.observe_commit(Operation::Commit, records, self.inner.commit(conditions, writes)).await
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
