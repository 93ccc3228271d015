//! A time limit for each call.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    EntryShards, GetOptions, IndexStore, Lease, ListQuery, Store, StoreExt, StoreInfo, Write,
};
use kv_store::{Error, Location, MaybeSend, Result, SharedError};

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

    async fn limited_read<T>(&self, key: Option<&Key>, call: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.reads;
        match self.inner.clock().timer().timeout(limit, call).await {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(Error::TimedOut { at: self.at(key), limit }),
            Err(source) => Err(Error::NoTimer { at: self.at(key), source }),
        }
    }

    async fn limited_write<T>(&self, key: Option<Key>, call: impl Future<Output = Result<T>>) -> Result<T> {
        let (limit, at) = (self.writes, || self.at(key.as_ref()));
        match self.inner.clock().timer().timeout(limit, call).await {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(Error::OutcomeUnknown { at: at(), source: SharedError::new(Late(limit)) }),
            Err(source) => Err(Error::NoTimer { at: at(), source }),
        }
    }

    fn at(&self, key: Option<&Key>) -> Box<Location> {
        self.inner.info().at(key)
    }
}

impl<S: Store> Store for TimeoutStore<S> {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.limited_read(Some(key), self.inner.get(key, options)).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.limited_read(keys.first(), self.inner.get_many(keys, options)).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let first = batch.first().map(|write| write.key().clone());
        self.limited_write(first, self.inner.write(batch)).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let first = batch.first().map(Write::key).or(conditions.first().map(|condition| &condition.key));
        self.limited_write(first.cloned(), self.inner.commit(conditions, batch)).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.limited_read(Some(query.prefix()), self.inner.list(query, each)).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.limited_read(keys.first(), self.inner.lease(keys, life)).await
    }
}

impl<S: AtomicStore> AtomicStore for TimeoutStore<S> {}

impl<S: IndexStore> IndexStore for TimeoutStore<S> {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.limited_read(Some(&query.index), self.inner.entries(query)).await
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        self.limited_read(Some(index), self.inner.entry_shards(index, after)).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        self.limited_read(Some(&query.claim), self.inner.claim(query)).await
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
