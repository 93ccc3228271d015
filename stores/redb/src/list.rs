//! One page of a list.

use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use kv_store::__private::coop::{self, Hold};
use kv_store::record::envelope::{self, Envelope};
use kv_store::record::{Head, LentRecord};
use kv_store::store::{Content, Cursor, EntryRef, ListQuery};
use kv_store::{Location, Result, Timestamp};

use super::NAME;
use super::read::{Reader, Records};

/// The maximum number of keys that one page examines, whatever its limit.
pub(super) const SCANNED_BY_PAGE: usize = 16_384;

/// A page that is being read. It holds no transaction while it yields, so that an abandoned list
/// keeps no pages of the file.
struct Listing<'q> {
    query: &'q ListQuery,
    /// The last key that was looked at.
    after: Option<String>,
    returned: usize,
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
    /// Lends a page.
    pub(super) async fn list(
        &self,
        query: &ListQuery,
        mut each: impl FnMut(&str, EntryRef<'_>),
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
        each: &mut impl FnMut(&str, EntryRef<'_>),
    ) -> Result<Looked> {
        // A panic of the application's closure says nothing about the file. So it is caught here,
        // and never reaches the code that treats a panic of redb as damage.
        let (mut panicked, content) = (None, listing.query.content());
        let looked = self.look(records, listing, |key, found| {
            let show = || lend(found, content, |entry| each(key, entry));
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
        show: impl FnMut(&str, Result<&StoredRecord<'_>>) -> ControlFlow<(), usize>,
    ) -> Result<Looked> {
        let query = listing.query;
        self.damage.reading(
            || Location::of(NAME, query.prefix()),
            "list",
            || self.walk(records, listing, show),
        )
    }

    fn walk(
        &self,
        records: &Records,
        listing: &mut Listing<'_>,
        mut show: impl FnMut(&str, Result<&StoredRecord<'_>>) -> ControlFlow<(), usize>,
    ) -> Result<Looked> {
        let query = listing.query;
        let not_listed =
            |error: redb::Error| self.damage.failed(Location::of(NAME, query.prefix()), "list", error);
        let mut rest = records
            .range::<&str>((listing.start(), Bound::Unbounded))
            .map_err(|error| not_listed(error.into()))?;
        let now = self.clock.now();
        let (prefix, mut hold) = (query.prefix().as_str(), Hold::begin());
        while let Some(found) = rest.next() {
            // By reference: the guards are large, and `?` would move them.
            let Ok((key, stored)) = &found else {
                return found.map(|_| Looked::Paused).map_err(|error| not_listed(error.into()));
            };
            let (key, stored) = (key.value(), stored.value());
            if !key.starts_with(prefix) {
                break;
            }
            listing.scanned += 1;
            match listed(query, key, stored, now, &mut show) {
                Some(ControlFlow::Continue(grown)) => {
                    listing.returned += 1;
                    listing.bytes = listing.bytes.saturating_add(key.len() + grown);
                }
                Some(ControlFlow::Break(())) => return Ok(Looked::Complete(None)),
                None => {}
            }
            if listing.is_full() {
                let is_last = match rest.next() {
                    Some(Ok((next, _))) => !next.value().starts_with(prefix),
                    Some(Err(error)) => return Err(not_listed(error.into())),
                    None => true,
                };
                return Ok(Looked::Complete((!is_last).then(|| query.cursor_at(key))));
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
        let after = query.position(NAME)?;
        Ok(Self { query, after: after.map(str::to_owned), returned: 0, bytes: 0, scanned: 0 })
    }

    fn start(&self) -> Bound<&str> {
        let prefix = self.query.prefix().as_str();
        match self.after.as_deref() {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        }
    }

    fn is_full(&self) -> bool {
        self.returned == self.query.limit()
            || self.bytes >= self.query.max_bytes()
            || self.scanned == SCANNED_BY_PAGE
    }
}

/// Shows a stored record if it belongs to the list. The record is lent, since to return it would move
/// it several times.
fn listed(
    query: &ListQuery,
    key: &str,
    stored: &[u8],
    now: Timestamp,
    show: &mut impl FnMut(&str, Result<&StoredRecord<'_>>) -> ControlFlow<(), usize>,
) -> Option<ControlFlow<(), usize>> {
    if !query.matches(key) {
        return None;
    }
    match envelope::read(stored) {
        Ok(envelope) if envelope.expires_at.is_some_and(|at| at <= now) => None,
        Ok(envelope) => Some(show(key, Ok(&StoredRecord { envelope, stored }))),
        // By the prefix, as nothing here tells which part of the key is secret.
        Err(damage) => Some(show(key, Err(damage.into_error(Location::of(NAME, query.prefix()))))),
    }
}

/// Lends what a list shows of a record, and returns how many bytes it has.
fn lend(found: Result<&StoredRecord<'_>>, content: Content, each: impl FnOnce(EntryRef<'_>)) -> usize {
    match (found, content) {
        (Err(error), _) => {
            each(EntryRef::Failed(error));
            0
        }
        (Ok(_), Content::Keys) => {
            each(EntryRef::Key);
            0
        }
        (Ok(StoredRecord { envelope, .. }), Content::Heads) => {
            let bytes = envelope.value_at;
            each(EntryRef::Head(&Head::new(envelope.metadata.clone(), envelope.expires_at)));
            bytes
        }
        // `Content::Records`, and any part that this store cannot return alone.
        (Ok(found), _) => {
            each(EntryRef::Record(found.lent()));
            found.stored.len()
        }
    }
}

/// A record in the file.
struct StoredRecord<'a> {
    envelope: Envelope,
    /// The envelope's bytes and the value's.
    stored: &'a [u8],
}

impl StoredRecord<'_> {
    fn lent(&self) -> LentRecord<'_> {
        let Envelope { metadata, expires_at, token, value_at, .. } = &self.envelope;
        let value = self.stored.get(*value_at..).unwrap_or_default();
        LentRecord::new(value, metadata, *token).with_expires_at(*expires_at)
    }
}
