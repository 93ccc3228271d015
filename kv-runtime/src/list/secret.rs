//! Cursors of lists of secret ids, which show none of them.
//!
//! A store's cursor contains the last key of the page. Here its text is replaced: encrypted with
//! the `Kv`'s cursor key, or by a placeholder.

use kv_store::key::{IdSchema, Key};
use kv_store::store::{Cursor, Store};
use kv_store::{Error, Result};

use crate::collection::Collection;
use crate::entity::KvEntity;

/// The text of a cursor if there is no key to encrypt it with. A list rejects this text as a
/// cursor.
const STAND_IN: &str = "hidden, as it has secret ids or indexed values: see Kv::with_cursor_key";

/// Whether a cursor over ids contains secret ones.
pub(crate) fn is_secret<E: KvEntity>() -> bool {
    const { E::SCHEMA.ids }.iter().any(IdSchema::is_secret)
}

/// Returns the cursor that a list returns to its caller.
pub(crate) fn printable<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
) -> Option<Cursor> {
    printable_if(is_secret::<E>(), collection, prefix, cursor)
}

/// Returns the cursor that a call returns, which may contain what must not be shown.
pub(crate) fn printable_if<E: KvEntity, S: Store>(
    is_secret: bool,
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
) -> Option<Cursor> {
    let cursor = cursor?;
    if !is_secret {
        return Some(cursor);
    }
    let text = match collection.cursor_key() {
        Some(key) => key.sealed(prefix.as_str(), cursor.as_str()),
        None => None,
    };
    Some(cursor.hidden_behind(text.unwrap_or_else(|| STAND_IN.to_owned())))
}

/// Returns the store's cursor for one that a list has returned.
pub(crate) fn stored<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
) -> Result<Option<Cursor>> {
    stored_if(is_secret::<E>(), collection, prefix, cursor)
}

/// Returns the store's cursor for one that may have contained what must not be shown.
pub(crate) fn stored_if<E: KvEntity, S: Store>(
    is_secret: bool,
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
) -> Result<Option<Cursor>> {
    let Some(cursor) = cursor else { return Ok(None) };
    if !is_secret {
        return Ok(Some(cursor));
    }
    if let Some(stored) = cursor.revealed() {
        return Ok(Some(stored));
    }
    let Some(key) = collection.cursor_key() else {
        let what = "the text of this cursor cannot be used without a key, because ids or values of the index are secret; pass on the cursor itself, or set `Kv::with_cursor_key` (feature `sealed-cursors`)";
        return Err(Error::InvalidOptions { at: collection.at(prefix), what: what.into() });
    };
    match key.opened(prefix.as_str(), cursor.as_str()) {
        Some(text) => Ok(Some(Cursor::from_text(text))),
        None => Err(Error::InvalidCursor { at: collection.at(prefix) }),
    }
}
