//! Calls that failed for the moment are made again, later and later.

mod remaining;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kv_store::__private::causes;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    EntryShards, GetOptions, IndexStore, Lease, ListQuery, Store, StoreExt, StoreInfo,
};
use kv_store::{Error, MaybeSend, Result};

use crate::layer::Operation;
use remaining::Remaining;

/// A store that repeats calls after [retryable](Error::is_retryable) errors (feature `retry`).
///
/// Pauses double from 50 ms to 5 s. Each is extended by a random time of up to its own length, so
/// that callers that failed together do not retry together. After five attempts the call returns
/// the last error. Pauses use the timer of the store's clock.
///
/// - A write with an [unknown outcome](Error::OutcomeUnknown) is never repeated. Neither is a batch
///   that has a record with an unknown outcome.
/// - After a [partial](Error::Partial) write of a batch, only the rest is written again. An error
///   describes the whole batch.
/// - A commit whose conditions did not hold has not failed, and is not repeated.
///
/// ```
/// use std::time::Duration;
/// use kv_runtime::layer::{Fault, FaultStore, RetryStore};
/// use kv_runtime::{Clock, ManualClock, Timer, Timestamp};
/// use kv_runtime::store::{MemoryStore, StoreExt};
/// use kv_runtime::key::Key;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kv_runtime::Error> {
/// let flaky = FaultStore::new(MemoryStore::new());
/// flaky.faults().add(Fault::fail().times(2));
/// let store = RetryStore::new(flaky).pauses(Duration::from_millis(1), Duration::from_secs(1));
/// assert!(store.read(&Key::from_text("user:7")).await?.is_none()); // at the third attempt
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RetryStore<S> {
    inner: S,
    attempts: usize,
    pauses: ExponentialBuilder,
}

impl<S: Store> RetryStore<S> {
    /// Wraps a store, with five attempts and pauses from 50 ms to 5 s.
    pub fn new(inner: S) -> Self {
        let store = Self { inner, attempts: 5, pauses: ExponentialBuilder::new().with_jitter() };
        store.pauses(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// Sets the number of attempts, the first one included. It is at least one.
    #[must_use]
    pub const fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the first and the longest pause.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pauses = self.pauses.with_min_delay(first).with_max_delay(longest);
        self
    }

    /// Returns the wrapped store, whose calls are not repeated.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    async fn again<T, F: Future<Output = Result<T>>>(
        &self,
        operation: Operation,
        mut call: impl FnMut() -> F,
    ) -> Result<T> {
        let mut pauses = self.backoff();
        loop {
            match call().await {
                Err(error) if error.is_retryable() => self.pause(operation, &mut pauses, error).await?,
                ended => return ended,
            }
        }
    }

    /// Writes a batch: what fails for the moment is written again without what was written.
    async fn batch_again(&self, operation: Operation, batch: Batch) -> Result<()> {
        let is_part = batch.is_part();
        let mut remaining = Remaining::of(batch);
        let mut pauses = self.backoff();
        loop {
            let batch = Batch::from(remaining.writes());
            let batch = if is_part { batch.as_part() } else { batch };
            let Err(error) = self.inner.write(batch).await else { return Ok(()) };
            // By their places before what is done is taken out.
            let unknown = remaining.unknown_after(&error);
            let cause = remaining.after(&error);
            if remaining.is_done() {
                return Ok(());
            }
            if !error.is_retryable() {
                return Err(remaining.failure(error.location(), unknown, cause));
            }
            if let Err(last) = self.pause(operation, &mut pauses, cause).await {
                return Err(remaining.failure(error.location(), unknown, last));
            }
        }
    }

    fn backoff(&self) -> ExponentialBackoff {
        self.pauses.with_max_times(self.attempts.saturating_sub(1)).build()
    }

    /// Waits before the next attempt, or gives the error back if there is to be none.
    async fn pause(&self, operation: Operation, pauses: &mut ExponentialBackoff, error: Error) -> Result<()> {
        let Some(pause) = pauses.next() else { return Err(error) };
        let operation = operation.name();
        tracing::warn!(operation, ?pause, %error, cause = causes(&error), "the store failed; retrying");
        let at = || Box::new(error.location().cloned().unwrap_or_default());
        self.inner.clock().timer().sleep(pause).map_err(|source| Error::NoTimer { at: at(), source })?.await;
        Ok(())
    }
}

impl<S: Store> Store for RetryStore<S> {
    fn info(&self) -> &StoreInfo {
        self.inner.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.again(Operation::of_get(options), || self.inner.get(key, options)).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.again(Operation::GetMany, || self.inner.get_many(keys, options)).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let operation = Operation::of_batch(&batch);
        if batch.len() > 1 {
            return self.batch_again(operation, batch).await;
        }
        self.again(operation, || self.inner.write(batch.clone())).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.again(Operation::Commit, || self.inner.commit(conditions.clone(), batch.clone())).await
    }

    /// By whole pages: a second attempt must not show again what the first one has shown.
    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let page = self.again(Operation::List, || self.inner.page(query)).await?;
        Ok(page.lend(each).await)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.again(Operation::Lease, || self.inner.lease(keys, life)).await
    }
}

impl<S: AtomicStore> AtomicStore for RetryStore<S> {}

impl<S: IndexStore> IndexStore for RetryStore<S> {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.again(Operation::Entries, || self.inner.entries(query)).await
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        self.again(Operation::Entries, || self.inner.entry_shards(index, after)).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        self.again(Operation::GetMany, || self.inner.claim(query)).await
    }
}

impl<S: Store> fmt::Debug for RetryStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryStore")
            .field("store", &self.inner.name())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
