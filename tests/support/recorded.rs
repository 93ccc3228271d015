//! A store in memory with capabilities of a test's choice, which notes what each call was given.

use std::sync::Mutex;

use kv_runtime::key::Key;
use kv_runtime::layer::Operation;
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{
    AtomicStore, Capabilities, Commit, Condition, Limits, ListPage, ListQuery, MemoryStore, Sharing, Store,
    Write,
};
use kv_runtime::{Clock, ManualClock, Result, Timestamp};

pub struct Recorded {
    store: MemoryStore,
    capabilities: Capabilities,
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
        Self { store, capabilities, calls: Mutex::default() }
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
    fn name(&self) -> &'static str {
        "recorded"
    }

    fn clock(&self) -> &Clock {
        self.store.clock()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.note(Operation::Get, [key]);
        self.store.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.note(Operation::GetMany, keys);
        self.store.get_many(keys).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.note(Operation::Put, [&key]);
        self.store.put(key, record).await
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.note(Operation::PutMany, records.iter().map(|(key, _)| key));
        self.store.put_many(records).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.note(Operation::Delete, [&key]);
        self.store.delete(key).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.note(Operation::DeleteMany, &keys);
        self.store.delete_many(keys).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.note(Operation::List, [query.prefix()]);
        self.store.list(query).await
    }
}

impl AtomicStore for Recorded {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        self.note(Operation::Commit, writes.iter().map(Write::key));
        self.store.commit(conditions, writes).await
    }
}
