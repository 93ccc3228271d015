//! The store over the REST API.
//!
//! `options` (how it is set up), `client` (one request, its attempts), `reply` (answers on the wire), `failure` (errors), `read`, `write` and
//! `list` (what the store's methods do).

mod client;
mod failure;
#[cfg(fuzzing)]
mod fuzzing;
mod list;
mod options;
mod read;
mod reply;
mod write;

use std::fmt;
use std::sync::Arc;

use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record};
use kv_store::store::{Capabilities, ListPage, ListQuery, Store};
use kv_store::{Clock, Result};

use super::limits;
use client::Client;
use read::Place;
use write::Incomplete;

#[cfg(fuzzing)]
pub use fuzzing::cloudflare_answer;
pub use options::CloudflareOptions;

const NAME: &str = "cloudflare-kv";

/// A namespace of [Cloudflare KV](https://developers.cloudflare.com/kv/), over its REST API. Clones share connections.
///
/// Values are plain JSON and metadata is Cloudflare's own, so that a Worker in JavaScript reads and
/// writes the same records: [the guide](https://docs.rs/kv-runtime/latest/kv_runtime/guide/cloudflare/index.html). It works on any executor: a thread of the
/// library's drives its connections.
///
/// - It is **eventually consistent**: a write is seen elsewhere after up to a minute, and a read may see what stood there before. Cloudflare takes one write a
///   second and key; more are refused for a while, and made again here.
/// - It has **no compare-and-swap**: `insert`, `update`, `upsert` and `touch` do not compile; those that end in `_last_write_wins` do, and say what may be
///   lost. What was migrated on read is not written back, unless [`WriteBack::MayResurrect`](https://docs.rs/kv-runtime/latest/kv_runtime/migrate/enum.WriteBack.html#variant.MayResurrect) says so.
/// - A read is one request, of up to 100 keys, and gives value and metadata of one moment. A value that is too long for that, or no text, is read between two
///   reads of its metadata. `head` and `exists` list one key.
/// - Where JavaScript wrote a record with `expirationTtl`, a read does not know when it expires ([`Record::expiry_known`]); `head` and lists do.
/// - A TTL below a minute is exact here, by `expiresAt` in the metadata; other programs may see the record for a minute.
///
/// Requests that fail for now are made again: [`CloudflareOptions::attempts`]. The token is in no error, span or `Debug`.
///
/// ```no_run
/// use kv_runtime::{Kv, store::CloudflareStore};
///
/// let token = std::env::var("CLOUDFLARE_API_TOKEN")?;
/// let store = CloudflareStore::new("023e105f4ecef8ad9ca31a8372d0c353", "0f2ac74b498b48028cb68387c421e279", token)?;
/// let kv = Kv::new(store);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CloudflareStore(Arc<Shared>);

struct Shared {
    client: Client,
    namespace: String,
}

impl CloudflareStore {
    /// A namespace, by the identifiers of the account and of itself, and a token with the permission `Workers KV Storage`: `Read` for reads
    /// and lists, `Edit` for writes.
    pub fn new(
        account: impl Into<String>,
        namespace: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self> {
        Self::options(account, namespace, token).open()
    }

    /// How a store of this namespace is set up.
    pub fn options(
        account: impl Into<String>,
        namespace: impl Into<String>,
        token: impl Into<String>,
    ) -> CloudflareOptions {
        CloudflareOptions::new(account.into(), namespace.into(), token.into())
    }
}

/// Shows the namespace.
impl fmt::Debug for CloudflareStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareStore").field("namespace", &self.0.namespace).finish_non_exhaustive()
    }
}

impl Store for CloudflareStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.0.client.clock
    }

    fn capabilities(&self) -> Capabilities {
        limits::CAPABILITIES
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let records = self.get_many(std::slice::from_ref(key)).await?;
        Ok(records.into_iter().next().flatten())
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let names: Vec<&str> = keys.iter().map(Key::as_str).collect();
        self.0.read(&names, Place::Of(keys)).await?.into_iter().collect()
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.0.head(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.0.put(vec![(key, record)]).await.map_err(|Incomplete { source, .. }| source)
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.0.put(records).await.map_err(Incomplete::into_error)
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.0.delete(&[key]).await.map_err(|Incomplete { source, .. }| source)
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.0.delete(&keys).await.map_err(Incomplete::into_error)
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.0.list(query).await
    }
}
