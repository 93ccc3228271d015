//! One page of a list.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::{Bytes, BytesMut};

use super::NAME;
use super::read::{Reader, live, record};
use crate::error::{Location, Result};
use crate::record::envelope::Envelope;
use crate::record::{Head, RecordRef};
use crate::store::{Content, Cursor, Entry, ListPage, ListQuery};

/// The most keys that one page looks at, whatever its limit: the caller's thread is held for so long at most.
pub(super) const SCANNED_BY_PAGE: usize = 100_000;

/// A page ends when what it shows has so many bytes.
pub(super) const BYTES_OF_PAGE: usize = 4 << 20;

impl Reader {
    pub(super) fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.listing(query, || {
            let mut page = ListPage::with_capacity(query.limit().min(1_000));
            let mut values = Values::new(query.limit());
            page.cursor = self.walk(query, |key, found| {
                let (entry, bytes) = match (found, query.content()) {
                    (Err(error), _) => (Entry::Failed(error), 0),
                    (Ok(_), Content::Keys) => (Entry::Key, 0),
                    (Ok(Found { envelope, .. }), Content::Heads) => {
                        let bytes = envelope.value_at;
                        (Entry::Head(Head::new(envelope.metadata, envelope.expires_at)), bytes)
                    }
                    (Ok(Found { envelope, stored }), Content::Records) => {
                        (Entry::Record(record(envelope, stored, |value| values.copy(value))), stored.len())
                    }
                };
                page.push(key, entry);
                ControlFlow::Continue(bytes)
            })?;
            Ok(page)
        })
    }

    pub(super) fn list_each(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, Result<RecordRef<'_>>),
    ) -> Result<Option<Cursor>> {
        // A panic of the caller's code says nothing of the file: it goes around what takes panics for damage.
        let mut panicked = None;
        let cursor = self.listing(query, || {
            self.walk(query, |key, found| {
                let show = || match found {
                    Ok(found) => {
                        each(key, Ok(found.lent()));
                        found.stored.len()
                    }
                    Err(error) => {
                        each(key, Err(error));
                        0
                    }
                };
                match catch_unwind(AssertUnwindSafe(show)) {
                    Ok(bytes) => ControlFlow::Continue(bytes),
                    Err(panic) => {
                        panicked = Some(panic);
                        ControlFlow::Break(())
                    }
                }
            })
        });
        match panicked {
            Some(panic) => resume_unwind(panic),
            None => cursor,
        }
    }

    fn listing<T>(&self, query: &ListQuery, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.damage().reading(|| Location::of(NAME, query.prefix()), "list", work)
    }

    /// Shows the records of one page and gives its cursor. `show` says how many bytes the page grew by, beyond the key, or that it wants no
    /// more; then there is no cursor.
    fn walk(
        &self,
        query: &ListQuery,
        mut show: impl FnMut(&str, Result<Found<'_>>) -> ControlFlow<(), usize>,
    ) -> Result<Option<Cursor>> {
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
        let (mut shown, mut bytes, mut scanned) = (0, 0, 0);
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
                let found = match live(stored, now) {
                    Ok(None) => None,
                    Ok(Some(envelope)) => Some(Ok(Found { envelope, stored })),
                    // By the prefix, as nothing here tells which part of the key is secret.
                    Err(damage) => Some(Err(damage.into_error(Location::of(NAME, query.prefix())))),
                };
                if let Some(found) = found {
                    let ControlFlow::Continue(grown) = show(key, found) else { return Ok(None) };
                    shown += 1;
                    bytes += key.len() + grown;
                }
            }
            if shown == query.limit() || bytes >= BYTES_OF_PAGE || scanned == SCANNED_BY_PAGE {
                let is_last = match rest.next() {
                    Some(next) => !next?.0.value().starts_with(prefix),
                    None => true,
                };
                return Ok((!is_last).then(|| Cursor::seal(query, key)));
            }
        }
        Ok(None)
    }
}

/// A record as the file holds it.
struct Found<'a> {
    envelope: Envelope,
    /// The envelope's bytes and the value's.
    stored: &'a [u8],
}

impl Found<'_> {
    fn lent(&self) -> RecordRef<'_> {
        RecordRef::new(self.stored.get(self.envelope.value_at..).unwrap_or_default(), &self.envelope.metadata)
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
