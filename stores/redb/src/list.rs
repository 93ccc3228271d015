//! One page of a list.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::{Bytes, BytesMut};
use kv_store::__private::coop::{self, Hold};
use kv_store::record::{Head, RecordRef, envelope::Envelope};
use kv_store::store::{Content, Cursor, Entry, ListPage, ListQuery};
use kv_store::{Location, Result, Timestamp};

use super::NAME;
use super::read::{Reader, Records, live, record};

/// The maximum number of keys that one page examines, whatever its limit.
pub(super) const SCANNED_BY_PAGE: usize = 16_384;

/// A page that is being read. It holds no transaction while it yields, so that an abandoned list
/// keeps no pages of the file.
struct Listing<'q> {
    query: &'q ListQuery,
    /// The last key that was looked at.
    after: Option<String>,
    shown: usize,
    bytes: usize,
    scanned: usize,
}

/// How one pass over the file ended.
enum Looked {
    /// The page is complete.
    Complete(Option<Cursor>),
    /// It took long, so other tasks shall run first.
    Paused,
}

impl Reader {
    pub(super) async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let mut page = ListPage::with_capacity(query.limit().min(1_000));
        let mut values = Values::new(query.limit());
        let mut listing = Listing::new(query)?;
        loop {
            let records = self.records(|| Location::of(NAME, query.prefix()), "list").await?;
            let looked = self.look(&records, &mut listing, |key, found| {
                let (entry, bytes) = entry(found, query.content(), &mut values);
                page.push(key, entry);
                ControlFlow::Continue(bytes)
            })?;
            drop(records);
            if let Looked::Complete(cursor) = looked {
                page.cursor = cursor;
                return Ok(page);
            }
            coop::yield_now().await;
        }
    }

    pub(super) async fn list_each(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, Result<RecordRef<'_>>),
    ) -> Result<Option<Cursor>> {
        let mut listing = Listing::new(query)?;
        loop {
            let records = self.records(|| Location::of(NAME, query.prefix()), "list").await?;
            let looked = self.look_each(&records, &mut listing, &mut each)?;
            drop(records);
            if let Looked::Complete(cursor) = looked {
                return Ok(cursor);
            }
            coop::yield_now().await;
        }
    }

    fn look_each(
        &self,
        records: &Records,
        listing: &mut Listing<'_>,
        each: &mut impl FnMut(&str, Result<RecordRef<'_>>),
    ) -> Result<Looked> {
        // A panic of the application's closure says nothing about the file. So it is caught here,
        // and never reaches the code that treats a panic of redb as damage.
        let mut panicked = None;
        let looked = self.look(records, listing, |key, found| {
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
        });
        match panicked {
            Some(panic) => resume_unwind(panic),
            None => looked,
        }
    }

    /// Continues a page. `show` returns how many bytes the page grew by, without the key, or that
    /// it wants no more. Then there is no cursor.
    fn look(
        &self,
        records: &Records,
        listing: &mut Listing<'_>,
        show: impl FnMut(&str, Result<Found<'_>>) -> ControlFlow<(), usize>,
    ) -> Result<Looked> {
        let query = listing.query;
        self.damage().reading(
            || Location::of(NAME, query.prefix()),
            "list",
            || self.walk(records, listing, show),
        )
    }

    fn walk(
        &self,
        records: &Records,
        listing: &mut Listing<'_>,
        mut show: impl FnMut(&str, Result<Found<'_>>) -> ControlFlow<(), usize>,
    ) -> Result<Looked> {
        let query = listing.query;
        let not_listed =
            |error: redb::Error| self.damage().failed(Location::of(NAME, query.prefix()), "list", error);
        let mut rest = records
            .range::<&str>((listing.start(), Bound::Unbounded))
            .map_err(|error| not_listed(error.into()))?
            .map(|found| found.map_err(|error| not_listed(error.into())));
        let now = self.clock().now();
        let (prefix, mut hold) = (query.prefix().as_str(), Hold::begin());
        while let Some(found) = rest.next() {
            let (key, stored) = found?;
            let (key, stored) = (key.value(), stored.value());
            if !key.starts_with(prefix) {
                break;
            }
            listing.scanned += 1;
            if let Some(found) = listed(query, key, stored, now) {
                let ControlFlow::Continue(grown) = show(key, found) else {
                    return Ok(Looked::Complete(None));
                };
                listing.shown += 1;
                listing.bytes = listing.bytes.saturating_add(key.len() + grown);
            }
            if listing.is_full() {
                let is_last = match rest.next() {
                    Some(next) => !next?.0.value().starts_with(prefix),
                    None => true,
                };
                return Ok(Looked::Complete((!is_last).then(|| Cursor::seal(query, key))));
            }
            if hold.is_long_after(key.len() + stored.len()) {
                listing.after = Some(key.to_owned());
                return Ok(Looked::Paused);
            }
        }
        Ok(Looked::Complete(None))
    }
}

impl<'q> Listing<'q> {
    fn new(query: &'q ListQuery) -> Result<Self> {
        let after = query.cursor().map(|cursor| cursor.open(query, NAME)).transpose()?;
        Ok(Self { query, after: after.map(str::to_owned), shown: 0, bytes: 0, scanned: 0 })
    }

    fn start(&self) -> Bound<&str> {
        let prefix = self.query.prefix().as_str();
        match self.after.as_deref() {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        }
    }

    fn is_full(&self) -> bool {
        self.shown == self.query.limit()
            || self.bytes >= self.query.max_bytes()
            || self.scanned == SCANNED_BY_PAGE
    }
}

/// Returns what a list shows of a stored record, if it shows it.
fn listed<'a>(query: &ListQuery, key: &str, stored: &'a [u8], now: Timestamp) -> Option<Result<Found<'a>>> {
    if !query.matches(key) {
        return None;
    }
    match live(stored, now) {
        Ok(envelope) => envelope.map(|envelope| Ok(Found { envelope, stored })),
        // By the prefix, as nothing here tells which part of the key is secret.
        Err(damage) => Some(Err(damage.into_error(Location::of(NAME, query.prefix())))),
    }
}

/// An entry of a page, and how many bytes it has.
fn entry(found: Result<Found<'_>>, content: Content, values: &mut Values) -> (Entry, usize) {
    match (found, content) {
        (Err(error), _) => (Entry::Failed(error), 0),
        (Ok(_), Content::Keys) => (Entry::Key, 0),
        (Ok(Found { envelope, .. }), Content::Heads) => {
            let bytes = envelope.value_at;
            (Entry::Head(Head::new(envelope.metadata, envelope.expires_at)), bytes)
        }
        // `Content::Records`, and any part that this store cannot return alone.
        (Ok(Found { envelope, stored }), _) => {
            (Entry::Record(record(envelope, stored, |value| values.copy(value))), stored.len())
        }
    }
}

/// A record in the file.
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

/// The maximum size of such an allocation. A value that is held keeps the memory of its neighbours.
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
