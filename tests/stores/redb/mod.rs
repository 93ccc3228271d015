//! Tests of the redb store alone: which files it opens, what its writers promise, and the content
//! of the file. It also passes the conformance suite.

mod conformance;
mod damage;
mod files;
mod operators;
mod records;
mod writers;

use std::error::Error as StdError;
use std::path::PathBuf;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{RedbStore, StoreExt};
use tempfile::TempDir;

type Test = Result<(), Box<dyn StdError>>;

fn directory() -> Result<(TempDir, PathBuf), std::io::Error> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.redb");
    Ok((directory, path))
}

fn key(text: impl Into<String>) -> Key {
    Key::from_text(text)
}

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

async fn value_of(store: &RedbStore, text: &str) -> Result<Option<String>, Box<dyn StdError>> {
    let found = store.read(&key(text)).await?;
    Ok(found.map(|found| String::from_utf8(found.value.to_vec())).transpose()?)
}
