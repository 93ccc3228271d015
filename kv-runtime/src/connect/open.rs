//! From a URL to a store.

use kv_store::{Clock, Result};

use super::choice::AnyStore;
use super::connector::Connector;
use super::url;
use crate::kv::Kv;

impl AnyStore {
    /// Opens the store that a URL names.
    ///
    /// | URL | store | feature |
    /// | --- | --- | --- |
    /// | `memory:` | a new [`MemoryStore`](crate::store::MemoryStore) | |
    /// | `redb:app.redb` | a [`RedbStore`](crate::store::RedbStore) in this file | `redb` |
    /// | `redis://`, `redis+unix://` | a [`RedisStore`](crate::store::RedisStore) | `redis` |
    /// | `redis+sentinel://` | the primary behind sentinels | `redis` |
    /// | `redis+cluster://` | a cluster | `redis-cluster` |
    /// | `rediss://`, also with `+sentinel` and `+cluster` | the same over TLS | `redis-tls` |
    /// | `cloudflare-kv://account/namespace` | a [`CloudflareStore`](crate::store::CloudflareStore) | `cloudflare` |
    ///
    /// - The path of a `redb:` URL is used unchanged. It may be relative. Opening the file blocks.
    /// - [`RedisStore`](crate::store::RedisStore) documents the rest of its URLs. `valkey` and `valkeys`
    ///   mean the same as `redis` and `rediss`.
    /// - `cloudflare-kv:` reads the token from the environment variable `CLOUDFLARE_API_TOKEN`.
    ///   `?base_url=http://127.0.0.1:8787/client/v4`, percent-encoded or not, selects
    ///   [another API](crate::store::CloudflareOptions::base_url).
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

    /// Returns a connector, which can be given the schemes of other crates' stores.
    pub const fn connector() -> Connector {
        Connector::new()
    }
}
