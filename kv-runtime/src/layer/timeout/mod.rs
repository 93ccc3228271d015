//! A time limit for each call.

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
use kv_store::{Clock, Error, Location, MaybeSend, Result, SharedError};

/// A store that limits the time of each call, even if the engine does not answer.
///
/// A read that takes too long fails with [`Error::TimedOut`], which is retryable. A write that
/// takes too long may still happen, so it fails with [`Error::OutcomeUnknown`]: read the record
/// before you write again. The engine's future is dropped, which leaves each record whole.
///
/// The limit does not interrupt work on the caller's own thread, such as reads of the memory store
/// and of redb.
///
/// The limit applies to one call of the store. A collection's method makes one or a few such calls,
/// and a list makes one for each page. Around a [`RetryStore`](crate::layer::RetryStore) it limits
/// all attempts and pauses together; inside it limits each attempt. It uses the timer of the
/// store's clock. Without a timer each call fails with [`Error::NoTimer`] and does not reach the
/// engine.
///
/// ```
/// use std::time::Duration;
/// use kv_runtime::layer::TimeoutStore;
/// use kv_runtime::store::MemoryStore;
///
/// let store = TimeoutStore::new(MemoryStore::new(), Duration::from_millis(200)).writes(Duration::from_secs(2));
/// ```
#[derive(Clone)]
pub struct TimeoutStore<S> {
    inner: S,
    reads: Duration,
    writes: Duration,
}

/// The cause of an unknown outcome: the limit passed first.
#[derive(Debug, thiserror::Error)]
#[error("there was no answer within {0:?}")]
struct Late(Duration);

impl<S: Store> TimeoutStore<S> {
    /// Limits both reads and writes of `inner` to `limit`.
    pub const fn new(inner: S, limit: Duration) -> Self {
        Self { inner, reads: limit, writes: limit }
    }

    /// Sets another limit for writes and commits.
    #[must_use]
    pub const fn writes(mut self, limit: Duration) -> Self {
        self.writes = limit;
        self
    }

    /// Returns the wrapped store, whose calls have no limit.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    async fn read<T>(&self, key: Option<&Key>, call: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.reads;
        match self.inner.clock().timer().timeout(limit, call).await {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(Error::TimedOut { at: self.at(key), limit }),
            Err(source) => Err(Error::NoTimer { at: self.at(key), source }),
        }
    }

    async fn write<T>(&self, key: Option<Key>, call: impl Future<Output = Result<T>>) -> Result<T> {
        let (limit, at) = (self.writes, || self.at(key.as_ref()));
        match self.inner.clock().timer().timeout(limit, call).await {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(Error::OutcomeUnknown { at: at(), source: SharedError::new(Late(limit)) }),
            Err(source) => Err(Error::NoTimer { at: at(), source }),
        }
    }

    fn at(&self, key: Option<&Key>) -> Box<Location> {
        let name = self.inner.name();
        key.map_or_else(|| Location::store(name), |key| Location::of(name, key))
    }
}

impl<S: Store> Store for TimeoutStore<S> {
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
        self.read(keys.first(), self.inner.lease(keys, life)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.read(Some(key), self.inner.get(key)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.read(keys.first(), self.inner.get_many(keys)).await
    }

    async fn get_with_expiry(&self, key: &Key) -> Result<Option<Record>> {
        self.read(Some(key), self.inner.get_with_expiry(key)).await
    }

    async fn get_many_with_expiry(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.read(keys.first(), self.inner.get_many_with_expiry(keys)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.read(Some(key), self.inner.head(key)).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.write(Some(key.clone()), self.inner.put(key, record)).await
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let first = records.first().map(|(key, _)| key.clone());
        self.write(first, self.inner.put_many(records)).await
    }

    async fn put_part(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let first = records.first().map(|(key, _)| key.clone());
        self.write(first, self.inner.put_part(records)).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        self.write(Some(key.clone()), self.inner.replace(key, revision, record)).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.write(Some(key.clone()), self.inner.delete(key)).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.write(keys.first().cloned(), self.inner.delete_many(keys)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.read(Some(query.prefix()), self.inner.list(query)).await
    }

    async fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.read(Some(query.prefix()), self.inner.list_each(query, each)).await
    }
}

impl<S: AtomicStore> AtomicStore for TimeoutStore<S> {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let first = writes.first().map(|write| write.key().clone());
        self.write(first, self.inner.commit(conditions, writes)).await
    }
}

impl<S: Store> fmt::Debug for TimeoutStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutStore")
            .field("store", &self.inner.name())
            .field("reads", &self.reads)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
