//! The store: what its calls ask of the API.

use std::fmt;
use std::sync::Arc;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Batch, Cursor, EntryRef, GetOptions, ListQuery, Store, StoreInfo};
use kv_store::{MaybeSend, Result};

use super::NAME;
use super::read::ReadLocation;
use super::shared::Shared;
use super::write::Incomplete;
use crate::changes::changes;

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
///
/// [`CloudflareOptions::attempts`]: crate::CloudflareOptions::attempts
#[derive(Clone)]
pub struct CloudflareStore(pub(super) Arc<Shared>);

/// Shows the namespace.
impl fmt::Debug for CloudflareStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareStore").field("namespace", &self.0.namespace).finish_non_exhaustive()
    }
}

impl Store for CloudflareStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        if !options.value {
            return Ok(self.0.head(key).await?.map(Record::from));
        }
        let records = self.get_many(std::slice::from_ref(key), options).await?;
        Ok(records.into_iter().next().flatten())
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        let names: Vec<&str> = keys.iter().map(Key::as_str).collect();
        self.0.read(&names, ReadLocation::Of(keys)).await?.into_iter().collect()
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let is_single = batch.len() == 1;
        let incomplete = |incomplete: Incomplete| match is_single {
            true => incomplete.source,
            false => incomplete.into_error(),
        };
        self.0.write(changes(NAME, batch)?).await.map_err(incomplete)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        Ok(self.0.list(query).await?.lend(each).await)
    }
}
