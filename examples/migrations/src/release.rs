//! The records of an earlier program: release 1.4.0 of the data, each country as plain JSON.

use std::collections::BTreeSet;
use std::error::Error;

use kv_runtime::key::Key;
use kv_runtime::migrate::Object;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Store, StoreExt};

const OLDEST: &str = include_str!("../../data/countries-1.4.0.json");

/// Writes each country as a program without versions would have: as JSON text under its code. A
/// record without metadata is version 1 in JSON.
///
/// Returns the number of countries, and the codes that occur more than once. The last country with
/// such a code is kept.
pub async fn write(store: &impl Store) -> Result<(usize, Vec<String>), Box<dyn Error>> {
    let release: Vec<Object> = serde_json::from_str(OLDEST)?;
    let (mut codes, mut doubled) = (BTreeSet::new(), Vec::new());
    let mut records = Vec::new();
    for country in &release {
        let code = country.get("cca3").and_then(|code| code.as_str()).ok_or("a country without a code")?;
        if !codes.insert(code) {
            doubled.push(code.to_owned());
        }
        let key = Key::from_text(format!("country:{code}"));
        records.push((key, NewRecord::new(serde_json::to_vec(country)?, Metadata::default())));
    }
    store.put_many(records).await?;
    Ok((release.len(), doubled))
}

/// Returns the stored record of one country: its version and its JSON.
pub async fn standing(store: &impl Store, code: &str) -> Result<(u32, String), Box<dyn Error>> {
    let key = Key::from_text(format!("country:{code}"));
    let record = store.read(&key).await?.ok_or_else(|| format!("{code} is not there"))?;
    Ok((record.metadata.version, String::from_utf8(record.value.to_vec())?))
}
