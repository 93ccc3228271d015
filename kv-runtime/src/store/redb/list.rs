//! One page of a list.

use std::ops::Bound;

use bytes::{Bytes, BytesMut};

use super::NAME;
use super::read::{Reader, live, record};
use crate::error::{Location, Result};
use crate::record::Head;
use crate::store::{Content, Cursor, Entry, ListPage, ListQuery};

/// The most keys that one page looks at, whatever its limit: the caller's thread is held for so long at most.
pub(super) const SCANNED_BY_PAGE: usize = 100_000;

/// A page ends when what it shows has so many bytes.
pub(super) const BYTES_OF_PAGE: usize = 4 << 20;

impl Reader {
    pub(super) fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.damage().reading(|| Location::of(NAME, query.prefix()), "list", || self.page(query))
    }

    fn page(&self, query: &ListQuery) -> Result<ListPage> {
        let prefix = query.prefix().as_str();
        let start = match query.cursor().map(|cursor| cursor.open(query, NAME)).transpose()? {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let not_listed =
            |error: redb::Error| self.damage().failed(Location::of(NAME, query.prefix()), "list", error);
        let records = self.latest().map_err(not_listed)?;
        let from_start =
            records.range::<&str>((start, Bound::Unbounded)).map_err(|error| not_listed(error.into()))?;
        let now = self.clock().now();
        let mut page = ListPage::with_capacity(query.limit().min(1_000));
        let mut values = Values::new(query.limit());
        let mut bytes = 0;
        let mut scanned = 0;
        let mut rest = from_start.map(|found| found.map_err(|error| not_listed(error.into())));
        while let Some(found) = rest.next() {
            let (key, stored) = found?;
            let key = key.value();
            if !key.starts_with(prefix) {
                break;
            }
            scanned += 1;
            if query.matches(key) {
                let stored = stored.value();
                let entry = match live(stored, now) {
                    Ok(None) => None,
                    Ok(Some(envelope)) => Some(match query.content() {
                        Content::Keys => Entry::Key,
                        Content::Heads => {
                            bytes += envelope.value_at;
                            Entry::Head(Head::new(envelope.metadata, envelope.expires_at))
                        }
                        Content::Records => {
                            bytes += stored.len();
                            Entry::Record(record(envelope, stored, |value| values.copy(value)))
                        }
                    }),
                    // By the prefix, as nothing here tells which part of the key is secret.
                    Err(damage) => Some(Entry::Failed(damage.into_error(Location::of(NAME, query.prefix())))),
                };
                if let Some(entry) = entry {
                    bytes += key.len();
                    page.push(key, entry);
                }
            }
            if page.len() == query.limit() || bytes >= BYTES_OF_PAGE || scanned == SCANNED_BY_PAGE {
                let is_last = match rest.next() {
                    Some(next) => !next?.0.value().starts_with(prefix),
                    None => true,
                };
                page.cursor = (!is_last).then(|| Cursor::seal(query, key));
                break;
            }
        }
        Ok(page)
    }
}

/// The values of a page, many in one allocation.
struct Values {
    buffer: BytesMut,
    expected: usize,
}

/// A value that is kept keeps its neighbours' memory; this bounds how much.
const CHUNK: usize = 64 << 10;

impl Values {
    fn new(expected: usize) -> Self {
        Self { buffer: BytesMut::new(), expected }
    }

    fn copy(&mut self, value: &[u8]) -> Bytes {
        if self.buffer.capacity() < value.len() {
            // Room for the values that are still expected, were they all like this one.
            let capacity = value.len().saturating_mul(self.expected).min(CHUNK).max(value.len());
            self.buffer = BytesMut::with_capacity(capacity);
        }
        self.expected = self.expected.saturating_sub(1);
        self.buffer.extend_from_slice(value);
        self.buffer.split().freeze()
    }
}
