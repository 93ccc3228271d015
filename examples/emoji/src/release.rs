//! The releases of the data set, as another program stores them.

use std::path::Path;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Store, StoreExt};
use kv_runtime::{BoxError, Codec};
use serde_json::{Map, Value};

/// The published releases, and the version of the entity that has their shape.
pub const RELEASES: [(&str, u32); 5] =
    [("2.4.4", 1), ("4.0.0", 2), ("6.0.0", 2), ("14.0.0", 3), ("16.0.0", 3)];

/// An id, and the members of its record.
pub type Emoji = (String, Map<String, Value>);

/// Returns the records of a release by their ids.
pub fn read(release: &str) -> Result<Vec<Emoji>, BoxError> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let text = std::fs::read_to_string(data.join(format!("emoji-{release}.json")))?;
    let mut emoji: Vec<Map<String, Value>> = serde_json::from_str(&text)?;
    let with_id = emoji.drain(..).map(|mut emoji| match emoji.remove("unified") {
        Some(Value::String(unified)) => Ok((unified, emoji)),
        _ => Err("an emoji without an id".into()),
    });
    with_id.collect()
}

/// Writes a release: the first one as plain JSON, which is version 1, and later ones with their
/// version.
pub async fn write(store: &impl Store, release: &str, version: u32) -> Result<usize, BoxError> {
    let emoji = read(release)?;
    let records = emoji.into_iter().map(|(unified, members)| {
        let (key, value) = (format!("emoji:{unified}"), Value::Object(members).to_string());
        let record = match version {
            1 => NewRecord::plain(value),
            _ => NewRecord::new(value, Metadata::new(version, Codec::Json)),
        };
        (Key::from_text(key), record)
    });
    let records: Vec<_> = records.collect();
    let count = records.len();
    store.put_many(records).await?;
    Ok(count)
}
