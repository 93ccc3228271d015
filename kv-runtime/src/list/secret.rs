//! Cursors of lists of secret ids, which show none of them.
//!
//! A store's cursor contains the last key of the page. Here its text is replaced: encrypted with
//! the `Kv`'s cursor key, or by a placeholder. AES-SIV (RFC 5297) suits this: it needs no random
//! number and no counter, authenticates the prefix of the list, and reveals only whether two
//! cursors are equal.

use kv_store::key::{IdSchema, Key};
use kv_store::store::{Cursor, Store};
use kv_store::{Error, Result};

use crate::collection::Collection;
use crate::entity::KvEntity;

/// The text of a cursor if there is no key to encrypt it with. A list rejects this text as a
/// cursor.
const STAND_IN: &str = "hidden, as ids are secret: see Kv::with_cursor_key";

fn is_secret<E: KvEntity>() -> bool {
    const { E::SCHEMA.ids() }.iter().any(IdSchema::is_secret)
}

/// Returns the cursor that a list returns to its caller.
pub(crate) fn shown<E: KvEntity, S: Store>(
    collection: &Collection<E, S>,
    prefix: &Key,
    cursor: Option<Cursor>,
) -> Option<Cursor> {
    let cursor = cursor?;
    if !is_secret::<E>() {
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
    let Some(cursor) = cursor else { return Ok(None) };
    if !is_secret::<E>() {
        return Ok(Some(cursor));
    }
    if let Some(stored) = cursor.revealed() {
        return Ok(Some(stored));
    }
    let Some(key) = collection.cursor_key() else {
        let what = "the ids are secret, so the text of a cursor leads nowhere without a key: pass on the cursor itself, or set `Kv::with_cursor_key` (feature `sealed-cursors`)";
        return Err(Error::InvalidOptions { at: collection.at(prefix), what: what.into() });
    };
    match key.opened(prefix.as_str(), cursor.as_str()) {
        Some(text) => Ok(Some(Cursor::from_text(text))),
        None => Err(Error::InvalidCursor { at: collection.at(prefix) }),
    }
}

/// The key that encrypts the cursors of secret ids.
#[cfg(feature = "sealed-cursors")]
pub(crate) struct CursorKey(aes_siv::Key<aes_siv::siv::Aes128Siv>);

#[cfg(feature = "sealed-cursors")]
impl CursorKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key.into())
    }

    /// Bound to the list's prefix.
    fn sealed(&self, prefix: &str, cursor: &str) -> Option<String> {
        let sealed = self.cipher().encrypt([PURPOSE, prefix.as_bytes()], cursor.as_bytes()).ok()?;
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
        sealed.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    fn opened(&self, prefix: &str, text: &str) -> Option<String> {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase());
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let sealed: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| u8::try_from(digit(high)? << 4 | digit(low)?).ok()).collect();
        let cursor = self.cipher().decrypt([PURPOSE, prefix.as_bytes()], &sealed?).ok()?;
        String::from_utf8(cursor).ok()
    }

    fn cipher(&self) -> aes_siv::siv::Aes128Siv {
        aes_siv::KeyInit::new(&self.0)
    }
}

/// A prefix, so that no other text that the key encrypts is a cursor.
#[cfg(feature = "sealed-cursors")]
const PURPOSE: &[u8] = b"kv-runtime list cursor 1";

/// There is none without the feature `sealed-cursors`.
#[cfg(not(feature = "sealed-cursors"))]
pub(crate) enum CursorKey {}

#[cfg(not(feature = "sealed-cursors"))]
impl CursorKey {
    fn sealed(&self, _: &str, _: &str) -> Option<String> {
        match *self {}
    }

    fn opened(&self, _: &str, _: &str) -> Option<String> {
        match *self {}
    }
}
