//! List queries and pages.

use super::cursor::Cursor;
use crate::coop::Hold;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::record::{Head, Record, RecordRef};

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

    /// Returns the position at which to continue.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
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

/// One page of a list, as a store returns it.
#[derive(Debug, Default)]
pub struct ListPage {
    /// All keys, concatenated: one allocation instead of one for each key.
    keys: String,
    entries: Vec<(usize, Entry)>,
    /// Where the list continues; `None` at its end.
    pub cursor: Option<Cursor>,
}

/// What a list returns of one record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry {
    /// Nothing but the key.
    Key,
    /// Everything except the value.
    Head(Head),
    /// The whole record.
    Record(Record),
    /// The record cannot be read.
    Failed(Error),
}

impl ListPage {
    /// Returns an empty page with room for this many entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Self { keys: String::with_capacity(entries * 24), entries: Vec::with_capacity(entries), cursor: None }
    }

    /// Adds an entry.
    pub fn push(&mut self, key: &str, entry: Entry) {
        self.keys.push_str(key);
        self.entries.push((self.keys.len(), entry));
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether the page has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the keys, in the page's order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.entries.iter().map(move |(end, _)| &self.keys[std::mem::replace(&mut start, *end)..*end])
    }

    /// Passes each key and its entry to `each`.
    pub fn for_each(self, mut each: impl FnMut(&str, Entry)) {
        let mut start = 0;
        for (end, entry) in self.entries {
            each(&self.keys[start..end], entry);
            start = end;
        }
    }

    /// Returns an iterator over the keys and entries.
    #[doc(hidden)]
    pub fn into_entries(self) -> Entries {
        Entries { keys: self.keys, start: 0, entries: self.entries.into_iter() }
    }

    /// Lends the whole records, entry by entry, and returns the cursor, as
    /// [`Store::list_each`](super::Store::list_each) does.
    pub fn lend_each(mut self, mut each: impl FnMut(&str, Result<RecordRef<'_>>)) -> Option<Cursor> {
        let mut start = 0;
        for place in 0..self.entries.len() {
            (start, _) = self.lend(start, place, &mut each);
        }
        self.cursor
    }

    /// Does the same, and yields to other tasks every few milliseconds.
    #[doc(hidden)]
    pub async fn lend_each_yielding(
        mut self,
        mut each: impl FnMut(&str, Result<RecordRef<'_>>),
    ) -> Option<Cursor> {
        let (mut start, mut hold) = (0, Hold::begin());
        for place in 0..self.entries.len() {
            let bytes;
            (start, bytes) = self.lend(start, place, &mut each);
            hold.yield_after(bytes).await;
        }
        self.cursor
    }

    /// Lends the entry at a place, whose key begins at `start`. Returns where the next key begins,
    /// and how many bytes were lent.
    fn lend(
        &mut self,
        start: usize,
        place: usize,
        each: &mut impl FnMut(&str, Result<RecordRef<'_>>),
    ) -> (usize, usize) {
        let Some((end, entry)) = self.entries.get_mut(place) else { return (start, 0) };
        let key = &self.keys[start..*end];
        let bytes = key.len() + entry.value_len();
        match entry {
            Entry::Record(record) => each(key, Ok(RecordRef::from(&*record))),
            Entry::Failed(error) => each(key, Err(error.clone())),
            Entry::Key | Entry::Head(_) => {}
        }
        // Dropped where it lies, and at once, while it is near.
        *entry = Entry::Key;
        (*end, bytes)
    }
}

/// What is left of a page.
#[derive(Debug)]
pub struct Entries {
    keys: String,
    start: usize,
    entries: std::vec::IntoIter<(usize, Entry)>,
}

impl Entries {
    /// Returns the next key and its entry.
    #[allow(clippy::should_implement_trait, reason = "the key is lent")]
    pub fn next(&mut self) -> Option<(&str, Entry)> {
        let (end, entry) = self.entries.next()?;
        let start = std::mem::replace(&mut self.start, end);
        Some((&self.keys[start..end], entry))
    }
}

impl Entry {
    /// Returns the length of the value, if it has one.
    #[doc(hidden)]
    #[must_use]
    pub fn value_len(&self) -> usize {
        if let Self::Record(record) = self { record.value.len() } else { 0 }
    }
}
