//! Where a list goes on.

use std::fmt;

use super::list::ListQuery;
use crate::error::{Error, Location, Result};

/// Where a list goes on: nothing to take apart, and bound to the list that gave it.
///
/// It is text, to be handed to a client and back. It holds the last key shown, ids and all, in clear; `Debug` shows nothing of it.
///
/// That of a list of [secret ids](macro@crate::KvEntity#fields) holds none of them. It goes on where it is handed back as it is; its text
/// goes on if the `Kv` has a key to encrypt it with ([`Kv::with_cursor_key`](crate::Kv), feature `sealed-cursors`), and without one is a
/// stand-in that no list takes.
///
/// ```
/// use kv_runtime::store::Cursor;
///
/// let from_client = Cursor::from_text("whatever");
/// assert_eq!(from_client.as_str(), "whatever");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor {
    text: String,
    /// The store's own cursor, where the text must not show it.
    hidden: Option<String>,
}

/// Hexadecimal digits of the seal before the position.
const SEAL_LEN: usize = 16;

impl Cursor {
    /// A cursor that came back. Whether it is one is told by the list.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), hidden: None }
    }

    /// The text to hand out.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// For stores: a cursor of this list, at a position that means something to the store.
    #[must_use]
    pub fn seal(query: &ListQuery, position: &str) -> Self {
        Self::from_text(format!("{:016x}{position}", seal(query, position)))
    }

    /// For stores: the position in a cursor that [`Cursor::seal`] made for a list of the same prefix and suffix; anything else is
    /// [`Error::InvalidCursor`].
    pub fn open(&self, query: &ListQuery, store: &'static str) -> Result<&str> {
        self.text
            .split_at_checked(SEAL_LEN)
            .filter(|(sealed, position)| *sealed == format!("{:016x}", seal(query, position)))
            .map(|(_, position)| position)
            .ok_or_else(|| Error::InvalidCursor { at: Location::of(store, query.prefix()) })
    }

    /// The same cursor, which shows this text.
    pub(crate) fn hidden_behind(self, text: String) -> Self {
        Self { text, hidden: Some(self.text) }
    }

    /// The store's own cursor, of one that is hidden and has not been text meanwhile.
    pub(crate) fn revealed(&self) -> Option<Self> {
        self.hidden.clone().map(Self::from_text)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// FNV-1a over prefix, suffix and position. It is stable over processes and versions of Rust, and guards against mistakes, not
/// against forgers: whoever forges a cursor reaches no key outside the list's prefix.
fn seal(query: &ListQuery, position: &str) -> u64 {
    let parts = [query.prefix().as_str(), query.suffix().unwrap_or_default(), position];
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xFF]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
