//! The store in memory: a sorted map behind a lock.
//!
//! Records are kept as they are, so a read clones handles and copies no value. A list copies short
//! values, a few at a time, which costs less than to share them. A second map orders
//! the records by expiry, and each write removes a few expired records from both. So no background
//! task is needed to free their memory. The entries of indexes, and the claims of unique values, are
//! packed into blocks (`packed`).

mod claim;
mod packed;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::batch::Batch;
use super::capabilities::{Capabilities, Sharing};
use super::condition::{Commit, Condition};
use super::contract::{AtomicStore, Store};
use super::cursor::Cursor;
use super::get::GetOptions;
use super::index::{EntryPage, EntryQuery, IndexStore};
use super::info::StoreInfo;
use super::lease::Lease;
use super::page::EntryRef;
use super::query::ListQuery;
use crate::clock::Clock;
use crate::coop::{self, Hold};
use crate::error::Result;
use crate::key::Key;
use crate::maybe_send::MaybeSend;
use crate::record::Record;
use crate::timestamp::Timestamp;
use state::{Listing, Looked, State};

const NAME: &str = "memory";

/// How many expired records go with each one that is written. It adds at most one, so two keep up
/// and catch up.
const SWEPT_BY_WRITE: usize = 2;

/// How many expired records a sweep removes before it gives the lock back.
const SWEPT_AT_ONCE: usize = 1_024;

/// Keeps records in the memory of this process: for tests, and for data that may be lost when the
/// process ends.
///
/// Lists are in key order, a batch is read at one moment, and commits are atomic. Writes free the
/// memory of expired records, so no background task is needed. Clones share the records. [The
/// guide](https://docs.rs/kv-runtime/latest/kv_runtime/guide/memory/index.html) has its limits.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::key::Key;
/// use kv_runtime::record::{Metadata, NewRecord};
/// use kv_runtime::store::{MemoryStore, StoreExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let key = Key::from_text("feature:flags:beta");
/// store.put(key.clone(), NewRecord::new("true", Metadata::default())).await?;
/// assert_eq!(store.read(&key).await?.map(|record| record.value.to_vec()), Some(b"true".to_vec()));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    info: StoreInfo,
    state: RwLock<State>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_clock(Clock::system())
    }
}

impl MemoryStore {
    /// Makes an empty store with the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty store with this clock.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let capabilities = Capabilities::new(Sharing::Exclusive)
            .compare_and_swap()
            .indexes()
            .ordered()
            .snapshot_reads()
            .atomic_batches()
            .cheap_metadata()
            .plain_records()
            .plain_expiry();
        let info = StoreInfo::new(NAME, capabilities).with_clock(clock).settling_at_once();
        Self(Arc::new(Shared { info, state: RwLock::default() }))
    }

    /// Removes all expired records, and returns how many it removed. Each write removes a few of
    /// them, so only a store that is no longer written to needs this call.
    ///
    /// It blocks the caller's thread until it is done, for about 1 µs a record. Other callers can use
    /// the store in between.
    pub fn sweep(&self) -> usize {
        let now = self.0.info.clock().now();
        let mut swept = 0;
        loop {
            let some = self.state_mut().sweep(now, SWEPT_AT_ONCE);
            swept += some;
            if some < SWEPT_AT_ONCE {
                return swept;
            }
        }
    }

    // A panic cannot leave the state half changed: nothing between two changes can panic but the
    // allocator, which aborts.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a page under the lock.
    fn go_on(&self, listing: &mut Listing<'_>) -> Looked {
        self.state().list(listing, self.0.info.clock().now())
    }

    /// Makes so many writes at one moment, and removes a few expired records.
    fn change<T>(&self, writes: usize, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.state_mut();
        // Read under the lock, so that writes and their moments come in the same order.
        let now = self.0.info.clock().now();
        let changed = change(&mut state, now);
        state.sweep(now, SWEPT_BY_WRITE.saturating_mul(writes));
        changed
    }
}

/// Shows how many records there are, and none of them.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.state().len()).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        Ok(self.state().live(key, self.0.info.clock()))
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        let state = self.state();
        let now = self.0.info.clock().now();
        Ok(keys.iter().map(|key| state.live_at(key, now)).collect())
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.change(batch.len(), |state, now| {
            for write in batch {
                state.apply(write, now);
            }
        });
        Ok(())
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        Ok(self.change(batch.len(), |state, now| {
            if let Some(place) = conditions.iter().position(|condition| !state.holds(condition, now)) {
                return Commit::Conflict(place);
            }
            for write in batch {
                state.apply(write, now);
            }
            Commit::Done
        }))
    }

    /// Some copies at a time, since the lock must not be held while the caller's code runs.
    async fn list(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let after = query.position(NAME)?;
        let (mut listing, mut hold) = (Listing::new(query, after), Hold::begin());
        loop {
            let looked = self.go_on(&mut listing);
            while let Some((key, entry)) = listing.copies.lend_next() {
                let bytes = key.len() + entry.value_len();
                each(key, entry);
                hold.yield_after(bytes).await;
            }
            match looked {
                Looked::Complete => return Ok(listing.cursor),
                Looked::Some => {}
                Looked::Long => {
                    coop::yield_now().await;
                    hold = Hold::begin();
                }
            }
        }
    }

    async fn lease(&self, keys: &[Key], _: Duration) -> Result<Vec<Lease>> {
        Ok(Lease::by_fences(&self.state().fences, keys))
    }
}

impl AtomicStore for MemoryStore {}

impl IndexStore for MemoryStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let state = self.state();
        let mut page = state.entries(query);
        page.also = query.also.as_ref().and_then(|key| state.live(key, self.0.info.clock()));
        Ok(page)
    }
}
