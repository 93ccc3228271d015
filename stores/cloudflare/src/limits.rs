//! How much Cloudflare KV takes: <https://developers.cloudflare.com/kv/platform/limits/>.

use std::time::Duration;

use kv_store::key::Key;
use kv_store::{Error, Location, Result};

use kv_store::store::{Capabilities, Limits, Sharing};

/// The server keeps nothing for less.
pub(super) const SERVER_TTL: Duration = Duration::from_secs(60);

/// The longest value, in bytes as it is spelt.
pub(super) const VALUE: usize = 25 << 20;

/// The longest metadata, in bytes of JSON as it is spelt.
pub(super) const METADATA: usize = 1_024;

/// What both stores of Cloudflare KV can do; how many records go into a batch is for each to say.
pub(super) const CAPABILITIES: Capabilities =
    Capabilities::new(Sharing::Eventual).ordered().cheap_metadata().plain_records().plain_expiry().limits(
        Limits::new().key(512).value(VALUE).metadata(METADATA).server_ttl(SERVER_TTL).batches(100, 10_000),
    );

/// Fails for the keys that Cloudflare KV does not take, whatever their length. No collection makes one of them.
pub(super) fn check_key(store: &'static str, key: &Key) -> Result<()> {
    match key.as_str() {
        "" | "." | ".." => Err(Error::Unsupported {
            at: Location::of(store, key),
            capability: "the empty key, and the keys `.` and `..`",
        }),
        _ => Ok(()),
    }
}
