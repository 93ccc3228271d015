//! Pages of a list, and what a list shows of a record.

use bytes::{Bytes, BytesMut};

use super::cursor::Cursor;
use crate::coop::Hold;
use crate::error::Error;
use crate::record::{Head, LentRecord, Record};

/// One page of a list, as a store returns it.
#[derive(Debug, Default)]
pub struct ListPage {
    /// All keys, concatenated: one allocation instead of one for each key.
    keys: String,
    entries: Vec<(usize, Entry)>,
    values: Values,
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
        Self {
            keys: String::with_capacity(entries * 24),
            entries: Vec::with_capacity(entries),
            values: Values::default(),
            cursor: None,
        }
    }

    /// Adds a copy of what a list lends. The values of many small records share an allocation.
    pub fn push_lent(&mut self, key: &str, entry: EntryRef<'_>) {
        let entry = match entry {
            EntryRef::Record(record) => Entry::Record(record.to_record_by(|value| self.values.copy(value))),
            EntryRef::Key => Entry::Key,
            EntryRef::Head(head) => Entry::Head(head.clone()),
            EntryRef::Failed(error) => Entry::Failed(error),
        };
        self.push(key, entry);
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

    /// Lends the entries one after the other, and returns the cursor: how a store that builds pages
    /// implements [`Store::list`](super::Store::list). It yields to other tasks every few
    /// milliseconds.
    pub async fn lend(mut self, mut each: impl FnMut(&str, EntryRef<'_>)) -> Option<Cursor> {
        let (mut start, mut hold) = (0, Hold::begin());
        for (end, entry) in &mut self.entries {
            let key = self.keys.get(start..*end).unwrap_or_default();
            let bytes = key.len() + entry.value_len();
            each(key, entry.lend());
            // Dropped where it lies, and at once, while it is near.
            *entry = Entry::Key;
            start = *end;
            hold.yield_after(bytes).await;
        }
        self.cursor
    }
}

/// What a list lends of one record.
#[derive(Debug)]
#[non_exhaustive]
pub enum EntryRef<'a> {
    /// Nothing but the key.
    Key,
    /// Everything except the value.
    Head(&'a Head),
    /// The whole record.
    Record(LentRecord<'a>),
    /// The record cannot be read.
    Failed(Error),
}

impl EntryRef<'_> {
    /// Returns the length of the value, if it has one.
    #[doc(hidden)]
    #[must_use]
    pub const fn value_len(&self) -> usize {
        if let Self::Record(record) = self { record.value.len() } else { 0 }
    }

    /// Returns the same entry with its error changed, for a wrapper that knows more.
    #[must_use]
    pub fn map_error(self, change: impl FnOnce(Error) -> Error) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(change(error)),
            entry => entry,
        }
    }
}

/// The values of a page, many in one allocation.
#[derive(Debug, Default)]
struct Values(BytesMut);

/// The size of such an allocation. A value that is held keeps the memory of its neighbours.
const CHUNK: usize = 64 << 10;

impl Values {
    fn copy(&mut self, value: &[u8]) -> Bytes {
        if value.len() >= CHUNK / 8 {
            return Bytes::copy_from_slice(value);
        }
        if self.0.capacity() < value.len() {
            self.0 = BytesMut::with_capacity(CHUNK);
        }
        self.0.extend_from_slice(value);
        self.0.split().freeze()
    }
}

impl Entry {
    /// Lends what the entry has.
    #[doc(hidden)]
    #[must_use]
    pub fn lend(&self) -> EntryRef<'_> {
        match self {
            Self::Key => EntryRef::Key,
            Self::Head(head) => EntryRef::Head(head),
            Self::Record(record) => EntryRef::Record(LentRecord::from(record)),
            Self::Failed(error) => EntryRef::Failed(error.clone()),
        }
    }

    /// Returns the length of the value, if it has one.
    #[doc(hidden)]
    #[must_use]
    pub fn value_len(&self) -> usize {
        if let Self::Record(record) = self { record.value.len() } else { 0 }
    }
}
