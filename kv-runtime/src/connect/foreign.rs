//! A store of another crate behind [`AnyStore`](super::AnyStore): an object, as its type is known only
//! where it was connected.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    Batch, Commit, Condition, Cursor, EntryRef, GetOptions, Lease, ListQuery, Store, StoreInfo,
};
use kv_store::{BoxFuture, MaybeSend, MaybeSync, Result};

/// A store that a [connector](super::Connector) was given. Each call costs a box.
#[derive(Clone)]
pub struct ForeignStore(Arc<Foreign<dyn DynStore>>);

struct Foreign<S: ?Sized> {
    /// That of the store, without what cannot be called through an object.
    info: StoreInfo,
    store: S,
}

impl ForeignStore {
    pub(super) fn new(store: impl Store) -> Self {
        let mut capabilities = *store.info().capabilities();
        capabilities.indexes = false;
        let info = store.info().clone().with_capabilities(capabilities);
        Self(Arc::new(Foreign { info, store }))
    }
}

/// What takes the entries of a list, as an object.
trait Each: MaybeSend {
    fn take(&mut self, key: &str, entry: EntryRef<'_>);
}

impl<F: FnMut(&str, EntryRef<'_>) + MaybeSend> Each for F {
    fn take(&mut self, key: &str, entry: EntryRef<'_>) {
        self(key, entry);
    }
}

/// [`Store`] with boxed futures. The names differ from those of `Store`, so that no call means the
/// other trait.
trait DynStore: MaybeSend + MaybeSync {
    fn dyn_get<'a>(&'a self, key: &'a Key, options: GetOptions) -> BoxFuture<'a, Result<Option<Record>>>;
    fn dyn_get_many<'a>(
        &'a self,
        keys: &'a [Key],
        options: GetOptions,
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>>>;
    fn dyn_write(&self, batch: Batch) -> BoxFuture<'_, Result<()>>;
    fn dyn_commit(&self, conditions: Vec<Condition>, batch: Batch) -> BoxFuture<'_, Result<Commit>>;
    fn dyn_list<'a>(
        &'a self,
        query: &'a ListQuery,
        each: &'a mut dyn Each,
    ) -> BoxFuture<'a, Result<Option<Cursor>>>;
    fn dyn_lease<'a>(&'a self, keys: &'a [Key], life: Duration) -> BoxFuture<'a, Result<Vec<Lease>>>;
}

impl<S: Store> DynStore for S {
    fn dyn_get<'a>(&'a self, key: &'a Key, options: GetOptions) -> BoxFuture<'a, Result<Option<Record>>> {
        Box::pin(self.get(key, options))
    }

    fn dyn_get_many<'a>(
        &'a self,
        keys: &'a [Key],
        options: GetOptions,
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(self.get_many(keys, options))
    }

    fn dyn_write(&self, batch: Batch) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.write(batch))
    }

    fn dyn_commit(&self, conditions: Vec<Condition>, batch: Batch) -> BoxFuture<'_, Result<Commit>> {
        Box::pin(self.commit(conditions, batch))
    }

    fn dyn_list<'a>(
        &'a self,
        query: &'a ListQuery,
        each: &'a mut dyn Each,
    ) -> BoxFuture<'a, Result<Option<Cursor>>> {
        Box::pin(self.list(query, move |key: &str, entry: EntryRef<'_>| each.take(key, entry)))
    }

    fn dyn_lease<'a>(&'a self, keys: &'a [Key], life: Duration) -> BoxFuture<'a, Result<Vec<Lease>>> {
        Box::pin(self.lease(keys, life))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for ForeignStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.0.store.dyn_get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        self.0.store.dyn_get_many(keys, options).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.0.store.dyn_write(batch).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.0.store.dyn_commit(conditions, batch).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.0.store.dyn_list(query, &mut each).await
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.0.store.dyn_lease(keys, life).await
    }
}

impl fmt::Debug for ForeignStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignStore").field("name", &self.info().name()).finish_non_exhaustive()
    }
}
