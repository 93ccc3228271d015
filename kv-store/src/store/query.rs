//! What a list asks for.

use super::cursor::Cursor;
use crate::error::{Error, Location, Result};
use crate::key::Key;

/// The parameters of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListQuery {
    prefix: Key,
    suffix: Option<String>,
    cursor: Option<Cursor>,
    limit: usize,
    max_bytes: usize,
    content: Content,
}

/// Which part of each record a list returns. A store that cannot return a part alone returns whole
/// records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Only keys.
    Keys,
    /// Keys, metadata and expiry.
    Heads,
    /// Whole records.
    Records,
}

impl ListQuery {
    /// The default size at which a page ends: 4 MiB of keys and values.
    pub const MAX_BYTES: usize = 4 << 20;

    /// Returns a query for the first 1,000 whole records whose keys start with `prefix`, or fewer
    /// if they have 4 MiB together.
    #[must_use]
    pub const fn new(prefix: Key) -> Self {
        Self {
            prefix,
            suffix: None,
            cursor: None,
            limit: 1_000,
            max_bytes: Self::MAX_BYTES,
            content: Content::Records,
        }
    }

    /// Selects only keys that also end with `suffix`, after the prefix.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = Some(suffix.into());
        self
    }

    /// Continues after a page of the same list.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Option<Cursor>) -> Self {
        self.cursor = cursor;
        self
    }

    /// Sets the maximum number of entries. It is at least one.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Ends the page once its keys and values have this many bytes. A page can always hold one
    /// entry, however large that is.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Sets which part of each record the list returns.
    #[must_use]
    pub const fn with_content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// Returns the same query with another prefix, for a wrapper that makes keys longer.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Key) -> Self {
        self.prefix = prefix;
        self
    }

    /// Returns what the keys start with, such as `user:`.
    #[must_use]
    pub const fn prefix(&self) -> &Key {
        &self.prefix
    }

    /// Returns what the keys end with, such as `:profile`.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }

    /// Returns the cursor from which to continue.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// For stores: returns the position at which to continue, in the store's own format. Nothing at
    /// the beginning.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`] unless [`cursor_at`](Self::cursor_at) made the cursor, for a list
    /// with the same prefix and suffix.
    pub fn position(&self, store: &'static str) -> Result<Option<&str>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        match cursor.open(self.prefix.as_str(), self.suffix()) {
            Some(position) => Ok(Some(position)),
            None => Err(Error::InvalidCursor { at: Location::of(store, &self.prefix) }),
        }
    }

    /// For stores: returns a cursor of this list at a position in the store's own format.
    #[must_use]
    pub fn cursor_at(&self, position: &str) -> Cursor {
        Cursor::seal(self.prefix.as_str(), self.suffix(), position)
    }

    /// Returns the maximum number of entries.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the number of bytes of keys and values at which the page ends.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Returns which part of each record the list returns.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Returns whether a key belongs to the list.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        key.strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| self.suffix.as_deref().is_none_or(|suffix| rest.ends_with(suffix)))
    }
}
