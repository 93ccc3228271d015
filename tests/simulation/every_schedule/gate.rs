//! A store in memory that lets others go on before each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    FairQueue, GetOptions, IndexStore, ListQuery, MemoryStore, Store, StoreInfo, WriteHub,
};
use kv_runtime::{Clock, ManualClock, MaybeSend, Result, Timer};

use crate::sim::START;

#[derive(Clone)]
pub struct Gate {
    memory: MemoryStore,
    info: StoreInfo,
    is_closed: Arc<AtomicBool>,
    reads: Reads,
}

/// What is of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A call, and with a claim also the records of its entity, as on a Redis server.
    Followed,
    /// A call, as in memory.
    Together,
    /// The records of one entity, as on a cluster.
    Apart,
}

impl Reads {
    pub const ALL: [Self; 3] = [Self::Followed, Self::Together, Self::Apart];
}

/// A store whose time stands still. Who waits for a while does not wait.
pub fn memory() -> MemoryStore {
    let clock = Clock::from(&ManualClock::new(START));
    MemoryStore::with_clock(clock.with_timer(Timer::new(|_| std::future::ready(()))))
}

/// Lets others go on, if the gate is closed.
pub async fn pass(gate: &Gate) {
    let mut has_waited = !gate.is_closed.load(Ordering::Relaxed);
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Gate {
    pub fn new(memory: &MemoryStore, is_closed: &Arc<AtomicBool>, reads: Reads) -> Self {
        let info = memory.info().clone().with_fair_queue(FairQueue::new()).with_write_hub(WriteHub::new());
        let mut capabilities = *info.capabilities();
        capabilities.snapshot_reads = reads != Reads::Apart;
        let info = info.with_capabilities(capabilities);
        Self { memory: memory.clone(), info, is_closed: Arc::clone(is_closed), reads }
    }
}

impl Store for Gate {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        pass(self).await;
        self.memory.get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        if self.reads != Reads::Apart {
            pass(self).await;
            return self.memory.get_many(keys, options).await;
        }
        let mut records = Vec::with_capacity(keys.len());
        for keys in keys.chunk_by(|one, next| one.entity_part() == next.entity_part()) {
            pass(self).await;
            records.extend(self.memory.get_many(keys, options).await?);
        }
        Ok(records)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        pass(self).await;
        self.memory.write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        pass(self).await;
        self.memory.commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        pass(self).await;
        self.memory.list(query, each).await
    }
}

impl AtomicStore for Gate {}

impl IndexStore for Gate {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let mut also = None;
        if let (Reads::Apart, Some(key)) = (self.reads, &query.also) {
            also = self.get(key, GetOptions::new()).await?;
        }
        pass(self).await;
        let mut page = self.memory.entries(query).await?;
        if self.reads == Reads::Apart {
            page.also = also;
        }
        Ok(page)
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        pass(self).await;
        let found = self.memory.claim(query).await?;
        assert!(self.reads != Reads::Apart, "a claim and a state have no moment together");
        if self.reads != Reads::Followed {
            return Ok(found);
        }
        let entity = found.claim.as_ref().map(|claim| serde_json::from_slice::<String>(&claim.value));
        let Some(Ok(entity)) = entity else { return Ok(found) };
        let key = |behind: &String| Key::from_text([query.before.as_str(), &entity, behind].concat());
        let keys: Vec<Key> = query.behind.iter().map(key).collect();
        Ok(found.with_records(self.memory.get_many(&keys, GetOptions::new()).await?))
    }
}
