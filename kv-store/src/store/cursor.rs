//! The position at which a list continues.

use std::fmt;

/// The position at which a list continues. It is opaque, and only valid for the list that returned
/// it.
///
/// A cursor is text that can be passed to a client and back. The text contains the last key of the
/// page, with its ids, in clear. `Debug` shows nothing of it.
///
/// The cursor of a list over [secret ids](https://docs.rs/kv-runtime/latest/kv_runtime/derive.KvEntity.html#fields) contains no id. The
/// `Cursor` itself continues the list. Its text does so only if the `Kv` has a key to encrypt it
/// ([`Kv::with_cursor_key`](https://docs.rs/kv-runtime/latest/kv_runtime/struct.Kv.html), feature `sealed-cursors`). Without a key the text is a
/// placeholder that every list refuses.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
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
    /// Returns a cursor from text that a client passed back. The list that it is used for checks
    /// it.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), hidden: None }
    }

    /// Returns the text to pass to a client.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A cursor of the list with this prefix and suffix.
    pub(super) fn seal(prefix: &str, suffix: Option<&str>, position: &str) -> Self {
        Self::from_text(format!("{:016x}{position}", checksum(prefix, suffix, position)))
    }

    /// The position, if the cursor is of the list with this prefix and suffix.
    pub(super) fn open(&self, prefix: &str, suffix: Option<&str>) -> Option<&str> {
        self.text
            .split_at_checked(SEAL_LEN)
            .filter(|(sealed, position)| *sealed == format!("{:016x}", checksum(prefix, suffix, position)))
            .map(|(_, position)| position)
    }

    /// The same cursor, which shows this text.
    #[doc(hidden)]
    pub fn hidden_behind(self, text: String) -> Self {
        Self { text, hidden: Some(self.text) }
    }

    /// The store's own cursor, of one that is hidden and has not been text meanwhile.
    #[doc(hidden)]
    pub fn revealed(&self) -> Option<Self> {
        self.hidden.clone().map(Self::from_text)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// FNV-1a over prefix, suffix and position, because it is the same in every process and version of
/// Rust. It detects mistakes, not forgery: a forged cursor reaches no key outside the list's
/// prefix.
fn checksum(prefix: &str, suffix: Option<&str>, position: &str) -> u64 {
    let parts = [prefix, suffix.unwrap_or_default(), position];
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xFF]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
