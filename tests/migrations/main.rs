//! Records of every age: read as today's, written back, counted, migrated all at once.

mod all;
mod batches;
mod contention;
mod counters;
mod entities;
mod hooks;
mod keys;
mod members;
mod properties;
mod races;
mod rate;
mod reads;
#[path = "../support/recorded.rs"]
mod recorded;
mod rolling;
mod write_back;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord, Record};
use kv_runtime::store::{MemoryStore, Store, StoreExt};
use kv_runtime::{Clock, Codec, Kv, ManualClock, Timestamp};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A moment to begin at.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub fn memory() -> (Kv<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(START);
    (Kv::new(MemoryStore::with_clock(Clock::from(&clock))), clock)
}

/// A record of a version, as code of that time wrote it.
pub async fn lay<S: Store>(kv: &Kv<S>, key: &str, version: u32, json: &str) -> kv_runtime::Result<()> {
    let record = NewRecord::new(json.to_owned(), Metadata::new(version, Codec::Json));
    kv.store().put(Key::from_text(key), record).await
}

/// What lies under a key.
pub async fn lying<S: Store>(kv: &Kv<S>, key: &str) -> Result<Record, Box<dyn std::error::Error>> {
    Ok(kv.store().read(&Key::from_text(key)).await?.ok_or("there is no record")?)
}

/// Version and text of what lies under a key.
pub async fn shape<S: Store>(kv: &Kv<S>, key: &str) -> Result<(u32, String), Box<dyn std::error::Error>> {
    let record = lying(kv, key).await?;
    Ok((record.metadata.version, String::from_utf8(record.value.to_vec())?))
}
