//! A store in memory that says what was committed, and where ids can be taken already.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{
    AtomicStore, Capabilities, Commit, Condition, Expect, ListPage, ListQuery, MemoryStore, Store, Write,
};
use kv_runtime::{Clock, Kv, ManualClock, Result};

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
    fn name(&self) -> &'static str {
        "counted"
    }

    fn clock(&self) -> &Clock {
        self.memory.clock()
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.memory.get(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.memory.put(key, record).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.memory.delete(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.memory.list(query).await
    }
}

impl AtomicStore for Counted {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let inserts = conditions.iter().any(|condition| matches!(condition.expect, Expect::Absent));
        let take = |left: usize| left.checked_sub(1);
        if inserts && self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return Ok(Commit::Conflict(0));
        }
        let name = match writes[0] {
            Write::Put(..) => "put",
            Write::Update(..) => "update",
            Write::Touch(..) => "touch",
            Write::Delete(_) => "delete",
        };
        let done = self.memory.commit(conditions, writes).await?;
        if done == Commit::Done {
            self.commits.lock().unwrap().push(name);
        }
        Ok(done)
    }
}
