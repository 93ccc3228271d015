//! A store in memory that says what was committed, and where ids can be taken already.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryRef, Expect, GetOptions, ListQuery, MemoryStore,
    Store, StoreInfo, Write,
};
use kv_runtime::{Clock, Kv, ManualClock, MaybeSend, Result};

#[derive(Default)]
pub struct Counted {
    memory: MemoryStore,
    taken: AtomicUsize,
    commits: Mutex<Vec<&'static str>>,
}

impl Counted {
    pub fn new(clock: &ManualClock) -> Kv<Self> {
        Kv::new(Self { memory: MemoryStore::with_clock(Clock::from(clock)), ..Self::default() })
    }

    /// So many inserts meet an id that is taken.
    pub fn take_ids(&self, ids: usize) {
        self.taken.store(ids, Ordering::SeqCst);
    }

    /// What was committed since the last time it was asked.
    pub fn commits(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.commits.lock().unwrap())
    }
}

impl Store for Counted {
    fn info(&self) -> &StoreInfo {
        self.memory.info()
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.memory.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.memory.write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let inserts = conditions.iter().any(|condition| matches!(condition.expect, Expect::Absent));
        let take = |left: usize| left.checked_sub(1);
        if inserts && self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return Ok(Commit::Conflict(0));
        }
        let name = match batch.first() {
            Some(Write::Put(..)) => "put",
            Some(Write::Update(..)) => "update",
            Some(Write::Touch(..)) => "touch",
            Some(Write::Delete(_)) => "delete",
            Some(Write::AddEntry(_) | Write::RemoveEntry(_)) => "entry",
            None => "nothing",
        };
        let done = self.memory.commit(conditions, batch).await?;
        if done == Commit::Done {
            self.commits.lock().unwrap().push(name);
        }
        Ok(done)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.memory.list(query, each).await
    }
}

impl AtomicStore for Counted {}
