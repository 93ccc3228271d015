//! Writers of whom the caches here hear nothing.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::Record;
use kv_runtime::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryRef, GetOptions, Lease, ListQuery, Store, StoreInfo,
    WriteHub,
};
use kv_runtime::{Kv, MaybeSend, Result};

/// The engine of a handle, as another process has it.
pub struct Elsewhere<S> {
    kv: Kv<S>,
    info: StoreInfo,
}

/// A handle on the same engine, as another process has it.
pub fn elsewhere<S: Store>(kv: &Kv<S>) -> Kv<Elsewhere<S>> {
    let info = kv.store().info().clone().with_write_hub(WriteHub::new());
    Kv::new(Elsewhere { kv: kv.clone(), info })
}

impl<S: Store> Store for Elsewhere<S> {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.kv.store().get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.kv.store().get_many(keys, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.kv.store().write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.kv.store().commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.kv.store().list(query, each).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.kv.store().lease(keys, life).await
    }
}

impl<S: AtomicStore> AtomicStore for Elsewhere<S> {}
