//! A copy of a page, in a few allocations that are used again.

use std::fmt;

use bytes::Bytes;

use super::page::EntryRef;
use crate::error::Error;
use crate::record::{Head, LentRecord, Metadata};
use crate::timestamp::Timestamp;

/// The entries of a page, copied as a list lends them, to be lent again later.
///
/// An entry costs no allocation, unless its value is long. So it is made for code that reads one
/// page after the other, and looks at each entry once.
#[derive(Default)]
pub struct PageCopy {
    /// All keys.
    keys: String,
    /// All values that are short.
    values: Vec<u8>,
    /// The other values.
    long: Vec<Bytes>,
    entries: Vec<Copied>,
    /// How many entries were lent.
    lent: usize,
    /// Where the key and the value of the next one begin.
    key_at: usize,
    value_at: usize,
}

/// A value of this length is shared with the store, or copied alone. So the common buffer stays
/// small.
const LONG: usize = 4 << 10;

struct Copied {
    key_end: usize,
    part: Part,
}

enum Part {
    Key,
    Head(Head),
    Record(RecordCopy),
    Failed(Error),
}

/// A record without its value.
struct RecordCopy {
    metadata: Metadata,
    expires_at: Option<Timestamp>,
    expiry_known: bool,
    token: Option<u64>,
    value: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// In the common buffer, up to here.
    Short(usize),
    /// The position among the long ones.
    Long(usize),
}

impl PageCopy {
    /// Adds a copy of what a list lends.
    pub fn push(&mut self, key: &str, entry: EntryRef<'_>) {
        let part = match entry {
            EntryRef::Record(record) => Part::Record(self.copied(record)),
            EntryRef::Key => Part::Key,
            EntryRef::Head(head) => Part::Head(head.clone()),
            EntryRef::Failed(error) => Part::Failed(error),
        };
        self.keys.push_str(key);
        self.entries.push(Copied { key_end: self.keys.len(), part });
    }

    fn copied(&mut self, record: LentRecord<'_>) -> RecordCopy {
        let value = if record.value.len() < LONG {
            self.values.extend_from_slice(record.value);
            Place::Short(self.values.len())
        } else {
            self.long.push(record.shared_value().unwrap_or_else(|| Bytes::copy_from_slice(record.value)));
            Place::Long(self.long.len() - 1)
        };
        RecordCopy {
            metadata: record.metadata.clone(),
            expires_at: record.expires_at,
            expiry_known: record.expiry_known,
            token: record.token(),
            value,
        }
    }

    /// Lends the next entry. Each is lent once.
    pub fn lend_next(&mut self) -> Option<(&str, EntryRef<'_>)> {
        let Copied { key_end, part } = self.entries.get_mut(self.lent)?;
        self.lent += 1;
        let key = self.keys.get(self.key_at..*key_end).unwrap_or_default();
        self.key_at = *key_end;
        let entry = match part {
            Part::Key => EntryRef::Key,
            Part::Head(head) => EntryRef::Head(head),
            Part::Record(record) => {
                let shared = match record.value {
                    Place::Long(at) => self.long.get(at),
                    Place::Short(_) => None,
                };
                let value = match (record.value, shared) {
                    (Place::Short(end), _) => {
                        let start = std::mem::replace(&mut self.value_at, end);
                        self.values.get(start..end).unwrap_or_default()
                    }
                    (Place::Long(_), long) => long.map_or(&[][..], |long| long),
                };
                EntryRef::Record(record.lend(value, shared))
            }
            Part::Failed(_) => match std::mem::replace(part, Part::Key) {
                Part::Failed(error) => EntryRef::Failed(error),
                _ => EntryRef::Key,
            },
        };
        Some((key, entry))
    }

    /// Removes all entries, and keeps the room.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.long.clear();
        self.entries.clear();
        (self.lent, self.key_at, self.value_at) = (0, 0, 0);
    }

    /// Returns the number of entries, with those that were lent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl RecordCopy {
    fn lend<'a>(&'a self, value: &'a [u8], shared: Option<&'a Bytes>) -> LentRecord<'a> {
        let Self { metadata, expires_at, expiry_known, token, .. } = self;
        LentRecord::shared(value, metadata, *token, shared)
            .with_expires_at(*expires_at)
            .with_expiry_known(*expiry_known)
    }
}

/// Shows the number of entries, and none of them, because values may be secret.
impl fmt::Debug for PageCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCopy").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::error::Location;
    use crate::record::{Record, Revision};

    fn lent(page: &mut PageCopy) -> Vec<(String, Option<Record>)> {
        let mut all = Vec::new();
        while let Some((key, entry)) = page.lend_next() {
            let record = match entry {
                EntryRef::Record(record) => Some(record.to_record()),
                _ => None,
            };
            all.push((key.to_owned(), record));
        }
        all
    }

    #[test]
    fn records_are_lent_as_they_came() {
        let metadata = Metadata::new(3, Codec::Json);
        let expires_at = Some(Timestamp::from_millis(9));
        let long = vec![7; LONG];
        let mut page = PageCopy::default();
        for _ in 0..2 {
            for (key, value, token) in [("a", &b"1"[..], Some(5)), ("bb", &long, None), ("c", b"", Some(6))] {
                let record = LentRecord::new(value, &metadata, token).with_expires_at(expires_at);
                page.push(key, EntryRef::Record(record));
            }
            assert_eq!(page.len(), 3);
            let all = lent(&mut page);
            let values: Vec<_> = all
                .iter()
                .map(|(key, record)| (key.as_str(), record.as_ref().map(|it| it.value.to_vec())))
                .collect();
            let expected = [("a", Some(b"1".to_vec())), ("bb", Some(long.clone())), ("c", Some(Vec::new()))];
            assert_eq!(values, expected);
            for record in all.iter().filter_map(|(_, record)| record.as_ref()) {
                assert_eq!((record.metadata.version, record.expires_at), (3, expires_at));
                assert!(record.expiry_known);
            }
            assert!(page.lend_next().is_none());
            page.clear();
        }
    }

    #[test]
    fn long_values_are_shared_with_the_store() {
        let value = Bytes::from(vec![7; LONG]);
        let record =
            Record::new(value.clone(), Metadata::default(), Revision::from_token(1)).with_unknown_expiry();
        let mut page = PageCopy::default();
        page.push("a", EntryRef::Record(LentRecord::from(&record)));
        let copy = lent(&mut page).remove(0).1.map(|record| (record.value.as_ptr(), record.expiry_known));
        assert_eq!(copy, Some((value.as_ptr(), false)));
    }

    #[test]
    fn an_error_is_lent_once() {
        let mut page = PageCopy::default();
        let failed = || EntryRef::Failed(Error::Malformed { at: Location::store("x"), what: "bad".into() });
        page.push("a", failed());
        page.push("b", EntryRef::Key);
        assert!(matches!(page.lend_next(), Some(("a", EntryRef::Failed(_)))));
        assert!(matches!(page.lend_next(), Some(("b", EntryRef::Key))));
        assert!(page.lend_next().is_none());
    }

    #[test]
    fn no_value_is_shown() {
        let mut page = PageCopy::default();
        let metadata = Metadata::default();
        page.push("a", EntryRef::Record(LentRecord::new(b"secret", &metadata, None)));
        assert_eq!(format!("{page:?}"), "PageCopy { entries: 1, .. }");
    }
}
