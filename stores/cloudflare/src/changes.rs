//! Writes of a store without conditions: records to put, and keys to delete.

use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::store::{Batch, Write};
use kv_store::{Error, Location, Result};

/// The writes in order: a record to put, or nothing to delete.
pub(crate) fn changes(store: &'static str, batch: Batch) -> Result<Vec<(Key, Option<NewRecord>)>> {
    let change = |write| match write {
        Write::Put(key, record) => Ok((key, Some(record))),
        Write::Delete(key) => Ok((key, None)),
        Write::Update(key, _) | Write::Touch(key, _) => Err(Error::Unsupported {
            at: Location::of(store, &key),
            capability: "compare-and-swap, which a write that keeps the value or the expiry needs",
        }),
        Write::AddEntry(key) | Write::RemoveEntry(key) => {
            Err(Error::Unsupported { at: Location::of(store, &key), capability: "indexes" })
        }
    };
    batch.into_iter().map(change).collect()
}
