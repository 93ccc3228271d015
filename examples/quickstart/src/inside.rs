//! The stored keys, metadata and bytes. An application sees only entities, and needs none of this.

use std::error::Error;
use std::path::Path;

use kv_runtime::Kv;
use kv_runtime::key::Key;
use kv_runtime::record::{Record, envelope};
use kv_runtime::store::{Entry, ListQuery, RedbStore, StoreExt};

use crate::screen::Screen;

/// Prints the records of one country, and how many bytes the groups take.
pub async fn show(
    kv: &Kv<RedbStore>,
    path: &Path,
    release_len: usize,
    screen: &Screen,
) -> Result<(), Box<dyn Error>> {
    screen.heading("Inside", "an envelope before each value has version, codec, times and revision");
    screen
        .columns(&format!("  {:<30}{:>8}{:>7}{:>10}{:>13}", "key", "version", "codec", "envelope", "value"));
    for (key, record) in records(kv, "country:Europe:DEU:").await? {
        let (version, codec) = (record.metadata.version, record.metadata.codec.name());
        let (envelope, value) = (envelope_len(&record)?, record.value.len());
        println!("  {key:<30}{version:>8}{codec:>7}{envelope:>8} B{value:>11} B");
        screen.note(&format!("{:.58}...", String::from_utf8_lossy(&record.value)));
    }
    for group in ["profile", "facts"] {
        let (mut count, mut values, mut envelopes) = (0, 0, 0);
        for (_, record) in records(kv, "country:").await?.iter().filter(|(key, _)| key.ends_with(group)) {
            count += 1;
            values += record.value.len();
            envelopes += envelope_len(record)?;
        }
        println!("  {:<45}{envelopes:>8} B{values:>11} B", format!("{count} records of the group `{group}`"));
    }
    println!("  {:<54}{release_len:>12} B", "the release, as a JSON file");
    println!("  {:<54}{:>12} B", "the store's file, with two releases", std::fs::metadata(path)?.len());
    Ok(())
}

/// Returns the records whose keys begin with `prefix`, as they are stored.
async fn records(kv: &Kv<RedbStore>, prefix: &str) -> Result<Vec<(String, Record)>, Box<dyn Error>> {
    let mut records = Vec::new();
    let mut query = ListQuery::new(Key::from_text(prefix));
    loop {
        let mut page = kv.store().page(&query).await?;
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

/// Returns the length of the envelope that is stored before the value.
fn envelope_len(record: &Record) -> Result<usize, Box<dyn Error>> {
    let mut bytes = Vec::new();
    envelope::write(&record.metadata, record.expires_at, 0, &mut bytes).map_err(|_| "too much metadata")?;
    Ok(bytes.len())
}
