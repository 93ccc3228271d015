//! Plain records: values that are stored alone, which other programs read and write all the time.

mod adapters;
mod caches;
mod keys;
mod programs;
mod properties;
mod records;
mod redis;
mod versions;

#[path = "../support/redis_server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod redis_server;

use std::error::Error as StdError;

use kv_runtime::key::Key;
use kv_runtime::record::NewRecord;
use kv_runtime::store::{Store, StoreExt};

pub type Outcome = Result<(), Box<dyn StdError>>;

/// Writes a value as another program does.
pub async fn put_theirs(store: &impl Store, key: &str, value: &str) -> kv_runtime::Result<()> {
    store.put(Key::from_text(key), NewRecord::plain(value.to_owned())).await
}

/// Returns the text under a key, which must be a plain value.
pub async fn text(store: &impl Store, key: &str) -> Result<String, Box<dyn StdError>> {
    let record = store.read(&Key::from_text(key)).await?.ok_or("there is no record")?;
    assert!(record.is_plain(), "{record:?}");
    Ok(String::from_utf8(record.value.to_vec())?)
}
