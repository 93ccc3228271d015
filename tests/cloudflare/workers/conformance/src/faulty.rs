//! Calls of a store whose binding fails, alone and within a `RetryStore`.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::RetryStore;
use kv_runtime::record::{Metadata, NewRecord, Record};
use kv_runtime::store::{ListQuery, Store, StoreExt, WorkersStore};
use kv_runtime::{Error, Result};
use serde_json::{Value, json};
use worker::Env;

use super::failed;

/// What comes of the call that the path names, such as `/faulty/put` and `/faulty/retried/put`.
pub(super) async fn answer(env: &Env, path: &str) -> Result<Value> {
    let store = WorkersStore::new(env, "FAULTY")?;
    let operation = path.trim_start_matches("/faulty/");
    let outcome = match operation.strip_prefix("retried/") {
        None => call(&store, operation).await,
        Some(operation) => {
            let pauses = (Duration::from_millis(5), Duration::from_millis(20));
            call(&RetryStore::new(store).attempts(3).pauses(pauses.0, pauses.1), operation).await
        }
    };
    Ok(match outcome {
        Ok(done) => json!({ "done": done }),
        Err(error) => {
            let mut told = failed(Some(error.clone()));
            told["kind"] = kind(&error);
            told
        }
    })
}

async fn call(store: &impl Store, operation: &str) -> Result<Value> {
    let keys: Vec<Key> = (1..=3).map(|number| Key::from_text(format!("a:{number}"))).collect();
    let first = keys[0].clone();
    let record = || NewRecord::new("1", Metadata::default());
    let value = |record: Record| String::from_utf8_lossy(&record.value).into_owned();
    Ok(match operation {
        "put" => json!(store.put(first, record()).await?),
        "put-many" => json!(store.put_many(keys.into_iter().map(|key| (key, record())).collect()).await?),
        "delete" => json!(store.delete(first).await?),
        "get" => json!(store.read(&first).await?.map(value)),
        "get-many" => {
            let read = store.read_many(&keys).await?;
            json!(read.into_iter().map(|record| record.map(value)).collect::<Vec<_>>())
        }
        "second-page" => {
            let query = ListQuery::new(Key::from_text("a:")).with_limit(2);
            let first = store.page(&query).await?;
            json!(store.page(&query.with_cursor(first.cursor)).await?.keys().collect::<Vec<_>>())
        }
        "put-hot" | "put-hot-anew" => {
            let name = if operation == "put-hot" { "Ada" } else { "Bea" };
            let hot = NewRecord::new(format!(r#"{{"name":"{name}"}}"#), Metadata::default());
            json!(store.put(Key::from_text("hot:7"), hot).await?)
        }
        "head" => json!(store.head(&first).await?.is_some()),
        "two-hundred" => {
            let keys: Vec<Key> = (0..200).map(|number| Key::from_text(format!("n:{number}"))).collect();
            json!(store.read_many(&keys).await?.len())
        }
        "close-to-the-limit" => {
            let long = NewRecord::new(vec![b'1'; (25 << 20) - 8], Metadata::default());
            store.put(first.clone(), long).await?;
            let read = store.read_many(&keys).await?;
            let read: Vec<_> = read.into_iter().map(|record| record.map(|it| it.value.len())).collect();
            // A page ends with the value that leaves no room.
            let query = ListQuery::new(Key::from_text("a:"));
            let page = store.page(&query).await?;
            let first = page.keys().map(str::to_owned).collect::<Vec<_>>();
            let rest = store.page(&query.with_cursor(page.cursor)).await?;
            json!([read, first, rest.keys().collect::<Vec<_>>()])
        }
        "groups" => {
            let many = (100..250).flat_map(|id| ["a", "b"].map(|group| format!("g:{id}:{group}")));
            for keys in many.collect::<Vec<_>>().chunks(100) {
                let records = keys.iter().map(|key| (Key::from_text(key.as_str()), record()));
                store.put_many(records.collect()).await?;
            }
            json!(null)
        }
        "page-of-groups" => {
            let query = ListQuery::new(Key::from_text("g:")).with_suffix(":a").with_limit(10);
            let page = store.page(&query).await?;
            let next = store.page(&query.with_cursor(page.cursor.clone())).await?;
            json!([page.keys().collect::<Vec<_>>(), next.keys().collect::<Vec<_>>()])
        }
        _ => json!(store.page(&ListQuery::new(Key::from_text("a:"))).await?.keys().collect::<Vec<_>>()),
    })
}

fn kind(error: &Error) -> Value {
    match error {
        Error::Store { .. } => json!("failed"),
        Error::OutcomeUnknown { .. } => json!("unknown"),
        Error::InvalidCursor { .. } => json!("cursor"),
        Error::Partial { written, also, source, .. } => {
            json!({ "written": written, "also": also, "source": kind(source) })
        }
        _ => json!("other"),
    }
}
