//! The store itself: an enumeration.

use std::fmt;
use std::time::Duration;

#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
use kv_runtime_cloudflare::CloudflareStore;
#[cfg(feature = "redb")]
use kv_runtime_redb::RedbStore;
#[cfg(feature = "redis")]
use kv_runtime_redis::RedisStore;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef,
    EntryShards, GetOptions, IndexStore, Lease, ListQuery, MemoryStore, Store, StoreInfo, Write,
};
use kv_store::{Error, MaybeSend, Result};

use super::foreign::ForeignStore;

/// A store that is chosen while the program runs, by a URL: [`Kv::connect`](crate::Kv::connect).
///
/// It is as fast as the store inside: an enumeration, no trait object. It implements
/// [`AtomicStore`] and [`IndexStore`] whatever is inside, so that every method of a collection compiles; what the
/// store inside cannot do is [`Error::Unsupported`](crate::Error::Unsupported), which names store
/// and capability. [`StoreInfo::capabilities`] tells beforehand.
///
/// ```
/// use kv_runtime::store::{AnyStore, StoreExt};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = AnyStore::connect("memory:").await?;
/// assert_eq!(store.name(), "memory");
/// assert!(matches!(store, AnyStore::Memory(_)));
///
/// let error = AnyStore::connect("memroy:").await.map(drop);
/// let text = "`memroy:`: there is no store of this scheme; did you mean `memory:`?";
/// assert_eq!(error.map_err(|error| error.to_string()), Err(text.to_owned()));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyStore {
    /// `memory:`
    Memory(MemoryStore),
    /// `redb:app.redb`, `redb:/var/lib/app.redb` (feature `redb`)
    #[cfg(feature = "redb")]
    Redb(RedbStore),
    /// `redis://127.0.0.1:6379`, `redis+cluster://host,host` (features `redis`, `redis-cluster`,
    /// `redis-tls`)
    #[cfg(feature = "redis")]
    Redis(RedisStore),
    /// `cloudflare-kv://account/namespace` (feature `cloudflare`)
    #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
    Cloudflare(CloudflareStore),
    /// A store of another crate, which a [`Connector`](super::Connector) was given.
    Foreign(ForeignStore),
}

/// What the store inside cannot do, and what it can.
const WITHOUT_CONDITION: &str = "compare-and-swap; where the last write may win, call `update_last_write_wins` and its like, and `exists` and `put` in the place of `insert`";

/// The same expression for whichever store is inside.
macro_rules! inside {
    ($any:expr, $store:ident => $use:expr) => {
        match $any {
            AnyStore::Memory($store) => $use,
            #[cfg(feature = "redb")]
            AnyStore::Redb($store) => $use,
            #[cfg(feature = "redis")]
            AnyStore::Redis($store) => $use,
            #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
            AnyStore::Cloudflare($store) => $use,
            AnyStore::Foreign($store) => $use,
        }
    };
}

impl From<MemoryStore> for AnyStore {
    fn from(store: MemoryStore) -> Self {
        Self::Memory(store)
    }
}

#[cfg(feature = "redb")]
impl From<RedbStore> for AnyStore {
    fn from(store: RedbStore) -> Self {
        Self::Redb(store)
    }
}

#[cfg(feature = "redis")]
impl From<RedisStore> for AnyStore {
    fn from(store: RedisStore) -> Self {
        Self::Redis(store)
    }
}

#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
impl From<CloudflareStore> for AnyStore {
    fn from(store: CloudflareStore) -> Self {
        Self::Cloudflare(store)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for AnyStore {
    fn info(&self) -> &StoreInfo {
        inside!(self, store => store.info())
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        inside!(self, store => store.get(key, options).await)
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        inside!(self, store => store.get_many(keys, options).await)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        inside!(self, store => store.write(batch).await)
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        if !self.info().capabilities().compare_and_swap {
            let key = batch.first().map(Write::key).or(conditions.first().map(|condition| &condition.key));
            return Err(Error::Unsupported { at: self.info().at(key), capability: WITHOUT_CONDITION });
        }
        inside!(self, store => store.commit(conditions, batch).await)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        inside!(self, store => store.list(query, each).await)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        inside!(self, store => store.lease(keys, life).await)
    }
}

impl AtomicStore for AnyStore {}

impl IndexStore for AnyStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        match self {
            Self::Memory(store) => store.entries(query).await,
            #[cfg(feature = "redb")]
            Self::Redb(store) => store.entries(query).await,
            #[cfg(feature = "redis")]
            Self::Redis(store) => store.entries(query).await,
            _ => {
                let at = self.info().at(Some(&query.index));
                Err(Error::Unsupported { at, capability: "indexes" })
            }
        }
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        match self {
            Self::Memory(store) => store.entry_shards(index, after).await,
            #[cfg(feature = "redb")]
            Self::Redb(store) => store.entry_shards(index, after).await,
            #[cfg(feature = "redis")]
            Self::Redis(store) => store.entry_shards(index, after).await,
            _ => {
                let at = self.info().at(Some(index));
                Err(Error::Unsupported { at, capability: "indexes" })
            }
        }
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        match self {
            Self::Memory(store) => store.claim(query).await,
            #[cfg(feature = "redb")]
            Self::Redb(store) => store.claim(query).await,
            #[cfg(feature = "redis")]
            Self::Redis(store) => store.claim(query).await,
            _ => {
                let at = self.info().at(Some(&query.claim));
                Err(Error::Unsupported { at, capability: "indexes" })
            }
        }
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        inside!(self, store => fmt::Debug::fmt(store, f))
    }
}

#[cfg(all(test, feature = "cloudflare", not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use kv_store::record::{Metadata, NewRecord};

    #[tokio::test]
    async fn what_the_inner_store_lacks_is_an_error_with_its_name() -> Result<()> {
        let store = AnyStore::from(CloudflareStore::new("account", "namespace", "token")?);
        assert!(!store.info().capabilities().compare_and_swap);
        let put = Write::Put(Key::from_text("user:7"), NewRecord::new("{}", Metadata::default()));
        let refused = store.commit(Vec::new(), put.into()).await.expect_err("it cannot").to_string();
        assert_eq!(
            refused,
            format!("`user:7` in cloudflare-kv: the store cannot do this: {WITHOUT_CONDITION}")
        );
        Ok(())
    }
}
