//! A store in memory that lets others go on before each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef, FairQueue, GetOptions,
    IndexStore, ListQuery, MemoryStore, Store, StoreInfo, WriteHub,
};
use kv_runtime::{Clock, ManualClock, MaybeSend, Result, Timer};

use crate::sim::START;

#[derive(Clone)]
pub struct Gate {
    memory: MemoryStore,
    info: StoreInfo,
    is_closed: Arc<AtomicBool>,
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
    pub fn new(memory: &MemoryStore, is_closed: &Arc<AtomicBool>) -> Self {
        let info = memory.info().clone().with_fair_queue(FairQueue::new()).with_write_hub(WriteHub::new());
        Self { memory: memory.clone(), info, is_closed: Arc::clone(is_closed) }
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
        pass(self).await;
        self.memory.get_many(keys, options).await
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
        pass(self).await;
        self.memory.entries(query).await
    }
}
