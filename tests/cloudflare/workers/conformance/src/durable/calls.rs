//! Calls of collections inside an object: a backfill, a cache and a transaction.

use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::store::DurableStore;
use kv_runtime::{Error, Kv, KvEntity, Result};
use serde_json::{Value, json};

/// A note as an older program writes it.
#[derive(KvEntity)]
#[kv(prefix = "note")]
struct OldNote {
    #[kv(id)]
    id: u64,
    text: String,
}

#[derive(KvEntity)]
#[kv(prefix = "note", version = 2)]
struct Note {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "text", since = 2))]
    body: String,
}

/// What comes of each kind of call.
pub(super) async fn inside(store: &DurableStore) -> Result<Value> {
    let kv = Kv::new(store.clone());
    let old = kv.collection::<OldNote>();
    for id in 0..3 {
        old.put(&OldNote { id, text: format!("note {id}") }).await?;
    }
    let notes = kv.collection::<Note>();
    let report = notes.migrate_all().run().await?;
    let again = notes.migrate_all().run().await?;

    let cached = notes.clone().cached(Cache::new().memory_ttl(Duration::from_secs(60)));
    cached.update(0, |note| note.body.push('!')).await?;
    let read = [cached.get(0).await?, cached.get(0).await?].map(|note| note.map(|note| note.body.clone()));

    let moved = kv.transact(async |tx| {
        let mut from = tx.get::<Note>(1).await?.ok_or_else(absent)?;
        let mut to = tx.get::<Note>(2).await?.ok_or_else(absent)?;
        to.body.push_str(&std::mem::take(&mut from.body));
        tx.save(&from)?;
        tx.save(&to)?;
        Ok(to.body)
    });
    let moved = moved.await?;
    let left = notes.get(1).await?.map(|note| note.body);
    Ok(json!({
        "migrated": [report.migrated, again.migrated, again.current],
        "read": read,
        "hits": cached.stats().memory_hits,
        "moved": [moved, left],
    }))
}

fn absent() -> Error {
    Error::NotFound { at: Box::default() }
}
