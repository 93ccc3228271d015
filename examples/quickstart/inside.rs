//! What stands in the store: keys, metadata and bytes. An application has no need of this: it sees entities.

use std::error::Error;

use kv_runtime::Kv;
use kv_runtime::key::Key;
use kv_runtime::record::{Record, envelope};
use kv_runtime::store::{AnyStore, Entry, ListQuery, Store};

/// Prints the records of one country, and how many bytes the groups take.
pub async fn show(kv: &Kv<AnyStore>, url: &str, release_len: usize) -> Result<(), Box<dyn Error>> {
    println!("  {:<30}{:>8}{:>7}{:>14}{:>17}", "key", "version", "codec", "value, bytes", "envelope, bytes");
    for (key, record) in records(kv, "country:Europe:DEU:").await? {
        let (version, codec) = (record.metadata.version, record.metadata.codec.name());
        println!("  {key:<30}{version:>8}{codec:>7}{:>14}{:>17}", record.value.len(), envelope_len(&record)?);
        println!("    metadata, shown as JSON: {}", record.metadata.to_json());
        println!("    value    {:.70}...", String::from_utf8_lossy(&record.value));
    }

    for group in ["profile", "facts"] {
        let (mut count, mut values, mut envelopes) = (0, 0, 0);
        for (_, record) in records(kv, "country:").await?.iter().filter(|(key, _)| key.ends_with(group)) {
            count += 1;
            values += record.value.len();
            envelopes += envelope_len(record)?;
        }
        println!("  {:<45}{values:>14}{envelopes:>17}", format!("{count} records of the group {group}"));
    }
    println!("  {:<45}{:>14}", "the release's file", release_len);
    if let Some(path) = url.strip_prefix("redb:") {
        println!("  {:<45}{:>14}", "the store's file", std::fs::metadata(path)?.len());
    }
    Ok(())
}

/// The records whose keys begin with a text, as they stand in the store.
async fn records(kv: &Kv<AnyStore>, prefix: &str) -> Result<Vec<(String, Record)>, Box<dyn Error>> {
    let mut records = Vec::new();
    let mut query = ListQuery::new(Key::from_text(prefix));
    loop {
        let mut page = kv.store().list(&query).await?;
        let cursor = page.cursor.take();
        page.for_each(|key, entry| {
            if let Entry::Record(record) = entry {
                records.push((key.to_owned(), record));
            }
        });
        if cursor.is_none() {
            return Ok(records);
        }
        query = query.with_cursor(cursor);
    }
}

/// What stands before a value: version, codec, times and the revision by which an `update` knows that nobody wrote meanwhile.
fn envelope_len(record: &Record) -> Result<usize, Box<dyn Error>> {
    let mut bytes = Vec::new();
    envelope::write(&record.metadata, record.expires_at, 0, &mut bytes).map_err(|_| "too much metadata")?;
    Ok(bytes.len())
}
