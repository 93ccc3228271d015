//! The releases, and how they come into a store as one version and out of it as another.

use std::collections::BTreeMap;

use kv_runtime::key::Key;
use kv_runtime::migrate::{Object, WriteBack};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Entry, ListQuery, MemoryStore, StoreExt};
use kv_runtime::{Codec, Kv, KvEntity};
use serde_json::Value;

use crate::Outcome;

/// Countries by code, as JSON objects.
pub type Countries = BTreeMap<String, Object>;

/// A release of the data.
pub struct Release {
    pub countries: Countries,
    /// Codes that occur more than once; the last record is kept.
    pub doubled: Vec<String>,
}

/// The release of this name. It has 250 different codes.
pub fn release(name: &str) -> Outcome<Release> {
    let path = format!("{}/../data/countries-{name}.json", env!("CARGO_MANIFEST_DIR"));
    let list: Vec<Object> = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut release = Release { countries: Countries::new(), doubled: Vec::new() };
    for country in list {
        let code = country.get("cca3").and_then(Value::as_str).ok_or("a country without a code")?.to_owned();
        if release.countries.insert(code.clone(), country).is_some() {
            release.doubled.push(code);
        }
    }
    assert_eq!(release.countries.len(), 250);
    Ok(release)
}

/// A store that holds countries as records of one version, as a program of that time left them.
pub async fn stand_as(countries: &Countries, version: u32) -> Outcome<Kv<MemoryStore>> {
    let kv = Kv::new(MemoryStore::new()).with_write_back(WriteBack::Never);
    for (code, country) in countries {
        let record = NewRecord::new(serde_json::to_vec(country)?, Metadata::new(version, Codec::Json));
        kv.store().put(Key::from_text(format!("country:{code}")), record).await?;
    }
    Ok(kv)
}

/// Stores countries as records of one version, reads them as `E`, and returns the JSON that `E`
/// writes.
pub async fn read_as<E: KvEntity>(countries: &Countries, version: u32) -> Outcome<Countries> {
    let written = written_again::<E>(&stand_as(countries, version).await?).await?;
    assert_eq!(written.len(), countries.len());
    Ok(written)
}

/// Reads all records of a store as `E` and puts them, and returns the JSON that `E` writes.
pub async fn written_again<E: KvEntity>(kv: &Kv<MemoryStore>) -> Outcome<Countries> {
    let mut entities = Vec::new();
    let mut stream = kv.collection::<E>().list().stream();
    while let Some(entity) = stream.next().await {
        entities.push(entity?);
    }
    kv.collection::<E>().put_many(&entities).await?;
    standing::<E>(kv).await
}

/// The JSON of all records, which are of the version that `E` writes. The code is the key, and not
/// in the value.
pub async fn standing<E: KvEntity>(kv: &Kv<MemoryStore>) -> Outcome<Countries> {
    let mut countries = Countries::new();
    let mut cursor = None;
    loop {
        let query = ListQuery::new(Key::from_text("country:")).with_cursor(cursor);
        let mut page = kv.store().page(&query).await?;
        cursor = page.cursor.take();
        let mut records = Vec::new();
        page.for_each(|key, entry| records.push((key.to_owned(), entry)));
        for (key, entry) in records {
            let Entry::Record(record) = entry else { return Err(format!("{key} has no record").into()) };
            assert_eq!(record.metadata.version, E::SCHEMA.groups()[0].version(), "{key}");
            let code = key.strip_prefix("country:").ok_or("a key of something else")?.to_owned();
            let mut country: Object = serde_json::from_slice(&record.value)?;
            country.insert("cca3".to_owned(), code.clone().into());
            countries.insert(code, country);
        }
        if cursor.is_none() {
            return Ok(countries);
        }
    }
}
