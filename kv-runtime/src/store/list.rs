//! What a list asks for, and a page of its answer.

use super::cursor::Cursor;
use crate::coop::Hold;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::record::{Head, Record, RecordRef};

/// What a list asks for.
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

/// How much of each record a list shows. A store that does not know one of them shows whole records, which hold all that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// The keys alone.
    Keys,
    /// Keys, metadata and expiry.
    Heads,
    /// Whole records.
    Records,
}

impl ListQuery {
    /// After so many bytes of keys and values a page ends, unless the query says otherwise: 4 MiB.
    pub const MAX_BYTES: usize = 4 << 20;

    /// The first 1,000 whole records whose keys begin with `prefix`, or fewer if they have 4 MiB
    /// together.
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

    /// Only keys that also end with `suffix`, beyond the prefix.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = Some(suffix.into());
        self
    }

    /// From where a page of the same list ended.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Option<Cursor>) -> Self {
        self.cursor = cursor;
        self
    }

    /// At most so many entries; at least one.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Ends the page with the entry at which its keys and values have so many bytes. A page holds
    /// at least one entry, however large that is.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Showing so much of each record.
    #[must_use]
    pub const fn with_content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// The same of other keys, for a store that keeps them under longer ones.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Key) -> Self {
        self.prefix = prefix;
        self
    }

    /// What the keys begin with, such as `user:`.
    #[must_use]
    pub const fn prefix(&self) -> &Key {
        &self.prefix
    }

    /// What the keys end with, such as `:profile`.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }

    /// Where a page ended.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// The most entries of the page.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// The bytes of keys and values at which the page ends.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// How much of each record is shown.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Whether a key belongs to the list.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        key.strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| self.suffix.as_deref().is_none_or(|suffix| rest.ends_with(suffix)))
    }
}

/// One page of a list, as a store gives it.
#[derive(Debug, Default)]
pub struct ListPage {
    /// All keys, one behind the other: one allocation instead of one a key.
    keys: String,
    entries: Vec<(usize, Entry)>,
    /// Where the list goes on; none at its end.
    pub cursor: Option<Cursor>,
}

/// What a list shows of one record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry {
    /// Only that it is there.
    Key,
    /// All but its value.
    Head(Head),
    /// The whole.
    Record(Record),
    /// It cannot be read.
    Failed(Error),
}

impl ListPage {
    /// A page with room for so many entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Self { keys: String::with_capacity(entries * 24), entries: Vec::with_capacity(entries), cursor: None }
    }

    /// Adds an entry.
    pub fn push(&mut self, key: &str, entry: Entry) {
        self.keys.push_str(key);
        self.entries.push((self.keys.len(), entry));
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys, in the page's order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.entries.iter().map(move |(end, _)| &self.keys[std::mem::replace(&mut start, *end)..*end])
    }

    /// Takes the page apart, entry by entry.
    pub fn for_each(self, mut each: impl FnMut(&str, Entry)) {
        let mut start = 0;
        for (end, entry) in self.entries {
            each(&self.keys[start..end], entry);
            start = end;
        }
    }

    /// Takes the page apart bit by bit.
    pub(crate) fn into_entries(self) -> Entries {
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
    pub(crate) async fn lend_each_yielding(
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
pub(crate) struct Entries {
    keys: String,
    start: usize,
    entries: std::vec::IntoIter<(usize, Entry)>,
}

impl Entries {
    pub(crate) fn next(&mut self) -> Option<(&str, Entry)> {
        let (end, entry) = self.entries.next()?;
        let start = std::mem::replace(&mut self.start, end);
        Some((&self.keys[start..end], entry))
    }
}

impl Entry {
    pub(crate) fn value_len(&self) -> usize {
        if let Self::Record(record) = self { record.value.len() } else { 0 }
    }
}
