//! A store without compare-and-swap and with small limits. It counts its calls and can fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    Batch, Capabilities, Cursor, EntryRef, GetOptions, Limits, ListQuery, MemoryStore, Sharing, Store,
    StoreExt, StoreInfo, Write,
};
use kv_runtime::{Error, Location, MaybeSend, Result};

pub struct Counted {
    store: MemoryStore,
    info: StoreInfo,
    log: Mutex<Vec<String>>,
    /// How many single writes succeed before the rest fail.
    writes_left: AtomicUsize,
}

impl Counted {
    pub fn new(limits: Limits) -> Self {
        Self {
            store: MemoryStore::new(),
            info: StoreInfo::new("counted", Capabilities::new(Sharing::Shared).limits(limits)),
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
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.note("get", key);
        self.store.get(key, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let is_single = batch.len() == 1;
        for (written, write) in batch.into_iter().enumerate() {
            let key = write.key().clone();
            self.note(if matches!(write, Write::Delete(_)) { "delete" } else { "put" }, &key);
            if let Err(error) = self.take_write(&key) {
                let at = Location::of(self.name(), &key);
                let (also, unknown) = (Vec::new(), Vec::new());
                return Err(match is_single {
                    true => error,
                    false => Error::Partial { at, written, also, unknown, source: Box::new(error) },
                });
            }
            self.store.write(write.into()).await?;
        }
        Ok(())
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.store.list(query, each).await
    }
}
