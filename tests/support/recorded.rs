//! A store in memory with capabilities of a test's choice, which notes what each call was given.

use std::sync::Mutex;

use kv_runtime::key::Key;
use kv_runtime::layer::Operation;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Cursor, EntryRef, GetOptions, Limits, ListQuery,
    MemoryStore, Sharing, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Clock, ManualClock, MaybeSend, Result, Timestamp};

pub struct Recorded {
    store: MemoryStore,
    info: StoreInfo,
    calls: Mutex<Vec<(Operation, Vec<String>)>>,
}

impl Recorded {
    /// A store whose batches are atomic.
    pub fn atomic(limits: Limits) -> Self {
        Self::new(Capabilities::new(Sharing::Exclusive).compare_and_swap().atomic_batches().limits(limits))
    }

    /// A store whose commits are atomic, and whose other batches may be cut short.
    pub fn one_by_one(limits: Limits) -> Self {
        Self::new(Capabilities::new(Sharing::Exclusive).compare_and_swap().limits(limits))
    }

    fn new(capabilities: Capabilities) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
        let store = MemoryStore::with_clock(Clock::from(&clock));
        let info = StoreInfo::new("recorded", capabilities).with_clock(store.clock().clone());
        Self { store, info, calls: Mutex::default() }
    }

    /// The keys of each call of a method, and forgets all calls.
    pub fn keys_of(&self, operation: Operation) -> Vec<Vec<String>> {
        let calls = std::mem::take(&mut *self.calls.lock().expect("nothing panics"));
        calls.into_iter().filter(|(of, _)| *of == operation).map(|(_, keys)| keys).collect()
    }

    /// How many keys each call of a method had, and forgets all calls.
    pub fn sizes_of(&self, operation: Operation) -> Vec<usize> {
        self.keys_of(operation).iter().map(Vec::len).collect()
    }

    fn note<'k>(&self, operation: Operation, keys: impl IntoIterator<Item = &'k Key>) {
        let keys = keys.into_iter().map(|key| key.as_str().to_owned()).collect();
        self.calls.lock().expect("nothing panics").push((operation, keys));
    }
}

impl Store for Recorded {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.note(Operation::Get, [key]);
        self.store.get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.note(Operation::GetMany, keys);
        self.store.get_many(keys, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        // A batch of one, too: what is asked is how a call was parted.
        let operation = match batch.first() {
            Some(Write::Delete(_)) => Operation::DeleteMany,
            _ => Operation::PutMany,
        };
        self.note(operation, batch.iter().map(Write::key));
        self.store.write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.note(Operation::Commit, batch.iter().map(Write::key));
        self.store.commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.note(Operation::List, [query.prefix()]);
        self.store.list(query, each).await
    }
}

impl AtomicStore for Recorded {}
