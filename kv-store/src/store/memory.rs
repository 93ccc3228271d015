//! The store in memory: a sorted map behind a lock.
//!
//! Records are kept as they are, so a read clones handles and copies no value. A second map orders
//! the records by expiry, and each write removes a few expired records from both. So no background
//! task is needed to free their memory.

mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::{
    AtomicStore, Capabilities, Commit, Condition, Expect, FairQueue, Lease, ListPage, ListQuery, Mark,
    Sharing, Store, Write,
};
use crate::clock::Clock;
use crate::coop;
use crate::error::Result;
use crate::key::Key;
use crate::record::{Head, NewRecord, Record, Revision};
use crate::timestamp::Timestamp;
use state::{Listing, Slot, State};

const NAME: &str = "memory";

/// How many expired records go with each one that is written. It adds at most one, so two keep up
/// and catch up.
const SWEPT_BY_WRITE: usize = 2;

/// How many expired records a sweep removes before it gives the lock back.
const SWEPT_AT_ONCE: usize = 1_024;

/// Records in this process's memory, gone with it: for tests, and for what a single process may
/// forget.
///
/// Lists are in key order, a batch is read at one moment, and commits are atomic. Writes free the
/// memory of expired records, so no background task is needed. Clones share the records. [The
/// guide](https://docs.rs/kv-runtime/latest/kv_runtime/guide/memory/index.html) has its limits.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::key::Key;
/// use kv_runtime::record::{Metadata, NewRecord};
/// use kv_runtime::store::{MemoryStore, Store};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let key = Key::from_text("feature:flags:beta");
/// store.put(key.clone(), NewRecord::new("true", Metadata::default())).await?;
/// assert_eq!(store.get(&key).await?.map(|record| record.value.to_vec()), Some(b"true".to_vec()));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    clock: Clock,
    state: RwLock<State>,
    queue: FairQueue,
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
        Self(Arc::new(Shared { clock, ..Shared::default() }))
    }

    /// Frees the memory of all records that have expired, and returns how many they were. Writes do
    /// it bit by bit; this is for a store that is no longer written to.
    ///
    /// It holds the caller's thread until it is done, about 1 µs a record. Other callers get the
    /// store in between.
    pub fn sweep(&self) -> usize {
        let now = self.0.clock.now();
        let mut swept = 0;
        loop {
            let some = self.write().sweep(now, SWEPT_AT_ONCE);
            swept += some;
            if some < SWEPT_AT_ONCE {
                return swept;
            }
        }
    }

    // A panic cannot leave the state half changed: nothing between two changes can panic but the
    // allocator, which aborts.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a page under the lock; false if it is not complete.
    fn go_on(&self, listing: &mut Listing<'_>) -> bool {
        self.read().list(listing, self.0.clock.now())
    }

    /// Makes so many writes at one moment, and removes a few expired records.
    fn change<T>(&self, writes: usize, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.write();
        // Read under the lock, so that writes and their moments come in the same order.
        let now = self.0.clock.now();
        let changed = change(&mut state, now);
        state.sweep(now, SWEPT_BY_WRITE.saturating_mul(writes));
        changed
    }
}

/// Shows how many records there are, and none of them.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.read().len()).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn fair_queue(&self) -> Option<&FairQueue> {
        Some(&self.0.queue)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Sharing::Exclusive)
            .compare_and_swap()
            .ordered()
            .snapshot_reads()
            .atomic_batches()
            .cheap_metadata()
    }

    /// A call takes place when it is polled, or never.
    fn mark(&self) -> Mark {
        Mark::new(0)
    }

    fn has_settled(&self, _: Mark) -> bool {
        true
    }

    async fn lease(&self, keys: &[Key], _: Duration) -> Result<Vec<Lease>> {
        Ok(self.read().fences.leases(keys))
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        Ok(self.read().live(key, &self.0.clock).map(Slot::record))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let state = self.read();
        let now = self.0.clock.now();
        Ok(keys.iter().map(|key| state.live_at(key, now).map(Slot::record)).collect())
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        Ok(self.read().live(key, &self.0.clock).map(Slot::head))
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.change(1, |state, now| state.put(key, record, now));
        Ok(())
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.change(records.len(), |state, now| {
            for (key, record) in records {
                state.put(key, record, now);
            }
        });
        Ok(())
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], vec![Write::Update(key, record)]).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.change(1, |state, _| state.remove(key.as_str()));
        Ok(())
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.change(keys.len(), |state, _| keys.iter().for_each(|key| state.remove(key.as_str())));
        Ok(())
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let after = query.cursor().map(|cursor| cursor.open(query, NAME)).transpose()?;
        let mut listing = Listing::new(query, after);
        while !self.go_on(&mut listing) {
            coop::yield_now().await;
        }
        Ok(listing.page)
    }
}

impl AtomicStore for MemoryStore {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        Ok(self.change(writes.len(), |state, now| {
            if let Some(place) = conditions.iter().position(|condition| !state.holds(condition, now)) {
                return Commit::Conflict(place);
            }
            writes.into_iter().for_each(|write| state.apply(write, now));
            Commit::Done
        }))
    }
}
