//! Shorter calls of a store, for those who use one directly.

use super::batch::{Batch, Write};
use super::capabilities::Capabilities;
use super::condition::{Commit, Condition, Expect};
use super::contract::Store;
use super::get::GetOptions;
use super::page::ListPage;
use super::query::ListQuery;
use crate::clock::Clock;
use crate::error::Result;
use crate::key::Key;
use crate::maybe_send::MaybeSend;
use crate::record::{Head, NewRecord, Record, Revision};

/// Shorter calls of every [`Store`]. No store implements them: each is a call of the contract.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::key::Key;
/// use kv_runtime::record::{Metadata, NewRecord};
/// use kv_runtime::store::{MemoryStore, StoreExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let key = Key::from_text("feature:flags:beta");
/// store.put(key.clone(), NewRecord::new("true", Metadata::default())).await?;
/// assert!(store.read(&key).await?.is_some());
/// store.delete(key.clone()).await?;
/// assert!(store.head(&key).await?.is_none());
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait StoreExt: Store {
    /// Returns the store's name, such as `redb`.
    fn name(&self) -> &'static str {
        self.info().name()
    }

    /// Returns the clock that decides when records expire.
    fn clock(&self) -> &Clock {
        self.info().clock()
    }

    /// Returns what the store can do, and its limits.
    fn capabilities(&self) -> &Capabilities {
        self.info().capabilities()
    }

    /// Reads a record. Its expiry may be unknown.
    fn read(&self, key: &Key) -> impl Future<Output = Result<Option<Record>>> + MaybeSend {
        self.get(key, GetOptions::new())
    }

    /// Reads records. Their expiry may be unknown.
    fn read_many(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        self.get_many(keys, GetOptions::new())
    }

    /// Reads metadata and expiry of a record.
    fn head(&self, key: &Key) -> impl Future<Output = Result<Option<Head>>> + MaybeSend {
        async move { Ok(self.get(key, GetOptions::head()).await?.map(Head::from)) }
    }

    /// Writes a record.
    fn put(&self, key: Key, record: NewRecord) -> impl Future<Output = Result<()>> + MaybeSend {
        self.write(Write::Put(key, record).into())
    }

    /// Writes records.
    fn put_many(&self, records: Vec<(Key, NewRecord)>) -> impl Future<Output = Result<()>> + MaybeSend {
        self.write(Batch::puts(records))
    }

    /// Deletes a record.
    fn delete(&self, key: Key) -> impl Future<Output = Result<()>> + MaybeSend {
        self.write(Write::Delete(key).into())
    }

    /// Deletes records.
    fn delete_many(&self, keys: Vec<Key>) -> impl Future<Output = Result<()>> + MaybeSend {
        self.write(Batch::deletes(keys))
    }

    /// Writes value and metadata if the record still has `revision`, and keeps its expiry.
    fn replace(
        &self,
        key: Key,
        revision: Revision,
        record: NewRecord,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], Write::Update(key, record).into())
    }

    /// Returns a page of a list, with copies of what the store lends.
    fn page(&self, query: &ListQuery) -> impl Future<Output = Result<ListPage>> + MaybeSend {
        async move {
            let mut page = ListPage::default();
            let cursor = self.list(query, |key, entry| page.push_lent(key, entry)).await?;
            page.cursor = cursor;
            Ok(page)
        }
    }
}

impl<S: Store> StoreExt for S {}
