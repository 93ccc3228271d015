//! Values come back as they were, and what a struct does not name stays.

mod difference;
mod foreign;
mod groups;
mod nested;
mod random;
mod raw;
mod refused;
mod steps;
mod ways;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord, Record};
use kv_runtime::store::{MemoryStore, Store, StoreExt};
use kv_runtime::{Codec, Kv};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn memory() -> Kv<MemoryStore> {
    Kv::new(MemoryStore::new())
}

/// Stores a value as another program does: without a version.
async fn lay<S: Store>(kv: &Kv<S>, key: &str, value: &str) -> Outcome {
    Ok(kv.store().put(Key::from_text(key), NewRecord::new(value.to_owned(), Metadata::default())).await?)
}

/// Stores a value of a version.
async fn lay_version<S: Store>(kv: &Kv<S>, key: &str, version: u32, value: &str) -> Outcome {
    let record = NewRecord::new(value.to_owned(), Metadata::new(version, Codec::Json));
    Ok(kv.store().put(Key::from_text(key), record).await?)
}

async fn stored<S: Store>(kv: &Kv<S>, key: &str) -> Outcome<Record> {
    Ok(kv.store().read(&Key::from_text(key)).await?.ok_or("it is not there")?)
}

async fn text<S: Store>(kv: &Kv<S>, key: &str) -> Outcome<String> {
    Ok(String::from_utf8(stored(kv, key).await?.value.to_vec())?)
}
