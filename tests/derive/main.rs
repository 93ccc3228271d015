//! What `#[derive(KvEntity)]` and `#[derive(KvId)]` generate, seen through a store: keys, values, defaults, views.

mod drops;
mod generics;
mod groups;
mod hygiene;
mod id_types;
mod ids;
mod indexes;
mod migrations;
mod serde_attributes;
mod views;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Codec, Collection, Kv, KvEntity};
use serde_json::Value;

/// An empty store, and the collection of one type in it.
fn collection<E: KvEntity>() -> Collection<E, MemoryStore> {
    Kv::new(MemoryStore::new()).collection()
}

/// The JSON that lies under a key; `null` if nothing does.
async fn stored(store: &MemoryStore, key: &str) -> Value {
    match store.read(&Key::from_text(key)).await.expect("memory does not fail") {
        Some(record) => serde_json::from_slice(&record.value).expect("the value is JSON"),
        None => Value::Null,
    }
}

/// Puts JSON of version 1 under a key, as somebody else may have done.
async fn lay(store: &MemoryStore, key: &str, value: Value) {
    lay_version(store, key, 1, value).await;
}

/// Puts JSON of a version under a key.
async fn lay_version(store: &MemoryStore, key: &str, version: u32, value: Value) {
    let record = NewRecord::new(value.to_string(), Metadata::new(version, Codec::Json));
    store.put(Key::from_text(key), record).await.expect("memory does not fail");
}
