//! A store in memory that does as a script says: somebody else's log-out between two steps of a call, a taken id, a failure.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::Key;
use kv_runtime::record::{Head, NewRecord, Record, Revision};
use kv_runtime::store::{
    AtomicStore, Capabilities, Commit, Condition, Expect, ListPage, ListQuery, MemoryStore, Store, Write,
};
use kv_runtime::{Clock, Error, Kv, Location, ManualClock, Result};

#[derive(Default)]
pub struct Scripted {
    memory: MemoryStore,
    deleted_before_commit: Mutex<Option<Key>>,
    taken: AtomicUsize,
    failing_reads: AtomicUsize,
    failing_writes: AtomicUsize,
    commits: Mutex<Vec<&'static str>>,
}

/// Takes one of what is left.
fn take(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Scripted {
    pub fn new(clock: &ManualClock) -> Kv<Self> {
        Kv::new(Self { memory: MemoryStore::with_clock(Clock::from(clock)), ..Self::default() })
    }

    /// Somebody else deletes this record between the next commit's preparation and the commit.
    pub fn delete_before_commit(&self, key: Key) {
        *self.deleted_before_commit.lock().unwrap() = Some(key);
    }

    /// So many inserts meet an id that is taken.
    pub fn take_ids(&self, ids: usize) {
        self.taken.store(ids, Ordering::SeqCst);
    }

    pub fn fail_reads(&self, reads: usize) {
        self.failing_reads.store(reads, Ordering::SeqCst);
    }

    pub fn fail_writes(&self, writes: usize) {
        self.failing_writes.store(writes, Ordering::SeqCst);
    }

    /// What was committed since the last time it was asked.
    pub fn commits(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.commits.lock().unwrap())
    }

    fn run(&self, failing: &AtomicUsize, action: &'static str, key: &Key) -> Result<()> {
        let down = std::io::Error::other("the server is down");
        if take(failing) {
            return Err(Error::store(Location::of(self.name(), key), action, true, down));
        }
        Ok(())
    }
}

impl Store for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn clock(&self) -> &Clock {
        self.memory.clock()
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.run(&self.failing_reads, "read a record", key)?;
        self.memory.get(key).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.memory.head(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.run(&self.failing_writes, "write a record", &key)?;
        self.memory.put(key, record).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        self.memory.replace(key, revision, record).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.run(&self.failing_writes, "delete a record", &key)?;
        self.memory.delete(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.memory.list(query).await
    }
}

impl AtomicStore for Scripted {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let key = writes[0].key();
        self.run(&self.failing_writes, "commit", key)?;
        let deleted = self.deleted_before_commit.lock().unwrap().take();
        if let Some(key) = deleted {
            self.memory.delete(key).await?;
        }
        if matches!(conditions[..], [Condition { expect: Expect::Absent, .. }]) && take(&self.taken) {
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
