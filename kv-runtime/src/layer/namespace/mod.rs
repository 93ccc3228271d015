//! Namespaces: many tenants in one store, each with its own keys.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::__private::escape_into;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    EntryShards, GetOptions, IndexStore, Lease, ListQuery, Store, StoreExt, StoreInfo,
};
use kv_store::{Error, Location, MaybeSend, Result};

/// The part of a store that belongs to one tenant.
///
/// Its keys start with the tenant's name as an additional segment, such as `acme:user:7:profile`.
/// The name is escaped like a text id, so no tenant can reach another tenant's keys. A cursor of
/// another namespace is [`Error::InvalidCursor`]. The maximum length of a key is shorter by the
/// segment ([`Capabilities::limits`]). Errors show the key and the namespace separately. On a
/// cluster the groups of an entity share a slot, and so does what is in one shard. A tenant's other
/// entities are spread over all nodes, and so are equal shard ids of several tenants.
///
/// A namespace is cheap to create if the store is cheap to clone, so a server may create one for
/// each request. Namespaces nest:
/// `NamespaceStore::new(NamespaceStore::new(store, "tenant"), "acme")` keeps `tenant:acme:user:7`,
/// apart from the application's own keys. Without such an outer segment, a tenant's name must not
/// equal the prefix of an entity.
///
/// ```
/// use kv_runtime::layer::NamespaceStore;
/// use kv_runtime::{Kv, KvEntity, store::MemoryStore};
///
/// #[derive(KvEntity)]
/// #[kv(prefix = "user")]
/// struct User {
///     #[kv(id)]
///     id: u64,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let users_of = |tenant| Kv::new(NamespaceStore::new(store.clone(), tenant)).collection::<User>();
/// users_of("acme").put(&User { id: 7 }).await?;
/// assert!(users_of("acme").exists(7).await?);
/// assert!(!users_of("acme:user").exists(7).await?);
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Capabilities::limits`]: crate::store::Capabilities::limits
#[derive(Clone)]
pub struct NamespaceStore<S> {
    inner: S,
    namespace: Arc<Namespace>,
    /// That of the wrapped store, for keys of this namespace.
    info: StoreInfo,
}

struct Namespace {
    /// The name as the application wrote it.
    name: Box<str>,
    /// What the engine's keys start with: the escaped name and the separator.
    prefix: Box<str>,
}

impl<S: Store> NamespaceStore<S> {
    /// Returns the tenant's part of the store. Any text is a name, and different texts are
    /// different namespaces.
    pub fn new(inner: S, name: &str) -> Self {
        let mut prefix = String::with_capacity(name.len() + 1);
        escape_into(name, &mut prefix);
        prefix.push(':');
        let info = inner.info().clone().within(name, &prefix);
        let namespace = Namespace { name: Box::from(name), prefix: prefix.into_boxed_str() };
        let capabilities = *info.capabilities();
        let info = info.with_capabilities(capabilities.limits(namespace.limits(capabilities.limits)));
        Self { inner, namespace: Arc::new(namespace), info }
    }

    /// Returns the tenant's name.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace.name
    }

    /// Returns the wrapped store, which holds all namespaces.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }
}

impl Namespace {
    fn key(&self, key: &Key) -> Key {
        key.within(&self.prefix)
    }

    fn condition(&self, mut condition: Condition) -> Condition {
        condition.key = self.key(&condition.key);
        condition
    }

    fn batch(&self, batch: Batch) -> Batch {
        batch.map(|write| {
            let key = self.key(write.key());
            write.with_key(key)
        })
    }

    /// The key as the tenant knows it. An engine that gives any other has not kept to the prefix:
    /// it is not the tenant's.
    fn own<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&*self.prefix)
    }

    /// An error of the engine's, with the key that the caller gave.
    fn relocated(&self, error: Error) -> Error {
        error.map_location(&|at| self.relocate(at))
    }

    fn relocate(&self, at: &mut Location) {
        if let Some(own) = at.key.as_deref().and_then(|key| self.own(key)) {
            at.key = Some(own.to_owned());
        }
        self.name_in(at);
    }

    fn name_in(&self, at: &mut Location) {
        let outer = at.namespace.take().map(|outer| outer + ":").unwrap_or_default();
        at.namespace = Some(outer + &self.name);
    }

    /// What is left of the engine's limits, where each key takes the prefix, too.
    fn limits(&self, limits: kv_store::store::Limits) -> kv_store::store::Limits {
        let len = self.prefix.len();
        let key = limits.key.saturating_sub(len);
        // Of a batch's bytes the prefixes may take half; where there is room for few records their
        // number shrinks instead.
        let batch_write = limits.batch_write.min((limits.batch_write_bytes / 2 / len).max(1));
        let bytes = limits.batch_write_bytes.saturating_sub(batch_write.saturating_mul(len));
        let commit = limits.commit.min((limits.commit_bytes / 2 / len).max(1));
        let commit_bytes = limits.commit_bytes.saturating_sub(commit.saturating_mul(len));
        let limits = limits.key(key).batches(limits.batch_read, batch_write).batch_write_bytes(bytes);
        limits.commits(commit, commit_bytes)
    }
}

impl<S: Store> Store for NamespaceStore<S> {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        let Self { inner, namespace, .. } = self;
        inner.get(&namespace.key(key), options).await.map_err(|error| namespace.relocated(error))
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        let Self { inner, namespace, .. } = self;
        let keys: Vec<Key> = keys.iter().map(|key| namespace.key(key)).collect();
        inner.get_many(&keys, options).await.map_err(|error| namespace.relocated(error))
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let Self { inner, namespace, .. } = self;
        inner.write(namespace.batch(batch)).await.map_err(|error| namespace.relocated(error))
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let Self { inner, namespace, .. } = self;
        let conditions = conditions.into_iter().map(|condition| namespace.condition(condition)).collect();
        inner.commit(conditions, namespace.batch(batch)).await.map_err(|error| namespace.relocated(error))
    }

    /// The cursor goes in and out as it is: the engine has bound it to the prefix, with the namespace
    /// in it.
    async fn list(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let Self { inner, namespace, .. } = self;
        let query = query.clone().with_prefix(namespace.key(query.prefix()));
        let each = |key: &str, entry: EntryRef<'_>| {
            if let Some(key) = namespace.own(key) {
                each(key, entry.map_error(|error| namespace.relocated(error)));
            }
        };
        inner.list(&query, each).await.map_err(|error| namespace.relocated(error))
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        let Self { inner, namespace, .. } = self;
        let keys: Vec<Key> = keys.iter().map(|key| namespace.key(key)).collect();
        inner.lease(&keys, life).await.map_err(|error| namespace.relocated(error))
    }
}

impl<S: AtomicStore> AtomicStore for NamespaceStore<S> {}

impl<S: IndexStore> IndexStore for NamespaceStore<S> {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let Self { inner, namespace, .. } = self;
        let found = inner.entries(&query.within(&namespace.prefix)).await;
        Ok(found.map_err(|error| namespace.relocated(error))?.without(&namespace.prefix))
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        let Self { inner, namespace, .. } = self;
        let after = after.map(|after| namespace.key(after));
        let found = inner.entry_shards(&namespace.key(index), after.as_ref()).await;
        Ok(found.map_err(|error| namespace.relocated(error))?.without(&namespace.prefix))
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        let Self { inner, namespace, .. } = self;
        inner.claim(&query.within(&namespace.prefix)).await.map_err(|error| namespace.relocated(error))
    }
}

impl<S: Store> fmt::Debug for NamespaceStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceStore")
            .field("store", &self.inner.name())
            .field("namespace", &self.namespace.name)
            .finish_non_exhaustive()
    }
}
