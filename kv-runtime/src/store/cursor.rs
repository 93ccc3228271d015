//! Where a list goes on.

use std::fmt;

use super::list::ListQuery;
use crate::error::{Error, Location, Result};

/// Where a list goes on: opaque, and bound to the list that gave it.
///
/// It is text, to be handed to a client and back. It holds the last key shown, so it is as secret as the ids are; `Debug`
/// shows nothing of it.
///
/// ```
/// use kv_runtime::store::Cursor;
///
/// let from_client = Cursor::from_text("whatever");
/// assert_eq!(from_client.as_str(), "whatever");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(String);

/// Hexadecimal digits of the seal before the position.
const SEAL_LEN: usize = 16;

impl Cursor {
    /// A cursor that came back. Whether it is one is told by the list.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to hand out.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For stores: a cursor of this list, at a position that means something to the store.
    #[must_use]
    pub fn seal(query: &ListQuery, position: &str) -> Self {
        Self(format!("{:016x}{position}", seal(query, position)))
    }

    /// For stores: the position in a cursor that [`Cursor::seal`] made for a list of the same prefix and suffix; anything else is
    /// [`Error::InvalidCursor`].
    pub fn open(&self, query: &ListQuery, store: &'static str) -> Result<&str> {
        self.0
            .split_at_checked(SEAL_LEN)
            .filter(|(sealed, position)| *sealed == format!("{:016x}", seal(query, position)))
            .map(|(_, position)| position)
            .ok_or_else(|| Error::InvalidCursor { at: Location::of(store, query.prefix()) })
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
