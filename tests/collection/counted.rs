//! A store without compare-and-swap and with small limits. It counts its calls and can fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::Key;
use kv_runtime::record::{NewRecord, Record};
use kv_runtime::store::{Capabilities, Limits, ListPage, ListQuery, MemoryStore, Sharing, Store};
use kv_runtime::{Clock, Error, Location, Result};

pub struct Counted {
    store: MemoryStore,
    limits: Limits,
    log: Mutex<Vec<String>>,
    /// How many single writes succeed before the rest fail.
    writes_left: AtomicUsize,
}

impl Counted {
    pub fn new(limits: Limits) -> Self {
        Self {
            store: MemoryStore::new(),
            limits,
            log: Mutex::default(),
            writes_left: AtomicUsize::new(usize::MAX),
        }
    }

    pub fn failing_after(self, writes: usize) -> Self {
        self.writes_left.store(writes, Ordering::SeqCst);
        self
    }

    /// The calls since the last time it was asked.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn note(&self, call: &str, key: &Key) {
        self.log.lock().unwrap().push(format!("{call} {}", key.as_str()));
    }

    fn take_write(&self, key: &Key) -> Result<()> {
        let left =
            self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        left.map(|_| ())
            .map_err(|_| Error::store(Location::of(self.name(), key), "write a record", true, full))
    }
}

impl Store for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn clock(&self) -> &Clock {
        self.store.clock()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Sharing::Shared).limits(self.limits)
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.note("get", key);
        self.store.get(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.note("put", &key);
        self.take_write(&key)?;
        self.store.put(key, record).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.note("delete", &key);
        self.take_write(&key)?;
        self.store.delete(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.store.list(query).await
    }
}
