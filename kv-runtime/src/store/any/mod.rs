//! A store that is chosen while the program runs.

mod url;

use std::fmt;
use std::time::Duration;

use kv_store::Clock;

#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
use super::CloudflareStore;
#[cfg(feature = "redb")]
use super::RedbStore;
#[cfg(feature = "redis")]
use super::RedisStore;
use super::{
    AtomicStore, Capabilities, Commit, Condition, Cursor, FairQueue, Lease, ListPage, ListQuery, Mark,
    MemoryStore, Store, Write,
};
use crate::kv::Kv;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
use kv_store::Error;
use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record, RecordRef, Revision};
use kv_store::{Location, MaybeSend, Result};

/// A store that is chosen while the program runs, by a URL: [`Kv::connect`].
///
/// It is as fast as the store inside: an enumeration, no trait object. It implements
/// [`AtomicStore`] whatever is inside, so that every method of a collection compiles; what the
/// store inside cannot do is [`Error::Unsupported`](crate::Error::Unsupported), which names store
/// and capability. [`Store::capabilities`] tells beforehand.
///
/// ```
/// use kv_runtime::store::{AnyStore, Store};
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
}

/// What the store inside cannot do, and what it can.
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
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
        }
    };
}

impl AnyStore {
    /// Opens the store that a URL names.
    ///
    /// | URL | store | feature |
    /// | --- | --- | --- |
    /// | `memory:` | a new [`MemoryStore`] | |
    /// | `redb:app.redb` | a [`RedbStore`](super::RedbStore) in this file | `redb` |
    /// | `redis://`, `redis+unix://` | a [`RedisStore`](super::RedisStore) | `redis` |
    /// | `redis+sentinel://` | the primary behind sentinels | `redis` |
    /// | `redis+cluster://` | a cluster | `redis-cluster` |
    /// | `rediss://`, also with `+sentinel` and `+cluster` | the same over TLS | `redis-tls` |
    /// | `cloudflare-kv://account/namespace` | a [`CloudflareStore`](super::CloudflareStore) | `cloudflare` |
    ///
    /// - The path of a `redb:` URL is used unchanged. It may be relative. Opening the file blocks.
    /// - [`RedisStore`](super::RedisStore) documents the rest of its URLs. `valkey` and `valkeys`
    ///   mean the same as `redis` and `rediss`.
    /// - `cloudflare-kv:` reads the token from the environment variable `CLOUDFLARE_API_TOKEN`.
    ///   `?base_url=http://127.0.0.1:8787/client/v4`, percent-encoded or not, selects
    ///   [another API](super::CloudflareOptions::base_url).
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidUrl`](crate::Error::InvalidUrl) if the URL names no store. The error
    /// says what is wrong and shows no password. If the store cannot be opened, returns the store's
    /// error.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with_clock(url, Clock::system()).await
    }

    /// Opens the store that a URL names, with this clock: for tests, or to use another timer. If a
    /// server expires records, its own clock still decides when.
    ///
    /// # Errors
    ///
    /// Fails as [`AnyStore::connect`] does.
    pub async fn connect_with_clock(url: &str, clock: Clock) -> Result<Self> {
        url::connect(url, clock).await
    }
}

impl Kv<AnyStore> {
    /// Connects to the store of a URL, such as `memory:` or `redb:app.redb`: [`AnyStore::connect`]
    /// lists them.
    ///
    /// ```
    /// use kv_runtime::Kv;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let url = std::env::var("STORE").unwrap_or("memory:".to_owned());
    /// let kv = Kv::connect(&url).await?;
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn connect(url: &str) -> Result<Self> {
        AnyStore::connect(url).await.map(Self::new)
    }
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
    fn name(&self) -> &'static str {
        inside!(self, store => store.name())
    }

    fn clock(&self) -> &Clock {
        inside!(self, store => store.clock())
    }

    fn locate(&self, at: &mut Location) {
        inside!(self, store => store.locate(at));
    }

    fn fair_queue(&self) -> Option<&FairQueue> {
        inside!(self, store => store.fair_queue())
    }

    fn capabilities(&self) -> Capabilities {
        inside!(self, store => store.capabilities())
    }

    fn mark(&self) -> Mark {
        inside!(self, store => store.mark())
    }

    fn has_settled(&self, mark: Mark) -> bool {
        inside!(self, store => store.has_settled(mark))
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        inside!(self, store => store.lease(keys, life).await)
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        inside!(self, store => store.get(key).await)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        inside!(self, store => store.get_many(keys).await)
    }

    async fn get_with_expiry(&self, key: &Key) -> Result<Option<Record>> {
        inside!(self, store => store.get_with_expiry(key).await)
    }

    async fn get_many_with_expiry(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        inside!(self, store => store.get_many_with_expiry(keys).await)
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        inside!(self, store => store.head(key).await)
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        inside!(self, store => store.put(key, record).await)
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        inside!(self, store => store.put_many(records).await)
    }

    async fn put_part(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        inside!(self, store => store.put_part(records).await)
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        inside!(self, store => store.replace(key, revision, record).await)
    }

    async fn delete(&self, key: Key) -> Result<()> {
        inside!(self, store => store.delete(key).await)
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        inside!(self, store => store.delete_many(keys).await)
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        inside!(self, store => store.list(query).await)
    }

    async fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        inside!(self, store => store.list_each(query, each).await)
    }
}

#[deny(clippy::missing_trait_methods)]
impl AtomicStore for AnyStore {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        match self {
            Self::Memory(store) => store.commit(conditions, writes).await,
            #[cfg(feature = "redb")]
            Self::Redb(store) => store.commit(conditions, writes).await,
            #[cfg(feature = "redis")]
            Self::Redis(store) => store.commit(conditions, writes).await,
            #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
            Self::Cloudflare(store) => {
                let key =
                    writes.first().map(Write::key).or(conditions.first().map(|condition| &condition.key));
                let at =
                    key.map_or_else(|| Location::store(store.name()), |key| Location::of(store.name(), key));
                Err(Error::Unsupported { at, capability: WITHOUT_CONDITION })
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
        assert!(!store.capabilities().compare_and_swap);
        let put = Write::Put(Key::from_text("user:7"), NewRecord::new("{}", Metadata::default()));
        let refused = store.commit(Vec::new(), vec![put]).await.expect_err("it cannot").to_string();
        assert_eq!(
            refused,
            format!("`user:7` in cloudflare-kv: the store cannot do this: {WITHOUT_CONDITION}")
        );
        Ok(())
    }
}
