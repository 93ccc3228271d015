//! What the lock of a [`MemoryStore`](super::MemoryStore) guards: the records, their keys by
//! expiry, and the entries of indexes.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::super::batch::Write;
use super::super::condition::{Condition, Expect};
use super::super::cursor::Cursor;
use super::super::fence::Fences;
use super::super::index::{EntryPage, EntryQuery, is_empty_range};
use super::super::page::EntryRef;
use super::super::page_copy::PageCopy;
use super::super::query::{Content, ListQuery};
use super::claim;
use super::packed::PackedMap;
use crate::clock::Clock;
use crate::coop::Hold;
use crate::key::Key;
use crate::record::{Expiry, Head, LentRecord, Metadata, NewRecord, Record, Revision, Value, envelope};
use crate::timestamp::Timestamp;

/// The most keys that one page looks at, whatever its limit: writers wait for so long at most.
pub(super) const SCANNED_BY_PAGE: usize = 16_384;

#[derive(Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<Box<str>, Slot>,
    /// The keys of the records that expire, the first to do so first; in step with `records`.
    pub(super) expiring: BTreeSet<(Timestamp, Box<str>)>,
    /// Records that never expire, are short and have the key of an index: the claims of unique
    /// values. Each is kept with its envelope, and is not in `records`.
    claims: PackedMap,
    /// The entries of indexes.
    entries: PackedMap,
    /// Counted under the lock, so that no token repeats.
    last_token: u64,
    /// Void as soon as their key is written.
    pub(super) fences: Arc<Fences>,
}

/// A record as it is kept.
pub(super) struct Slot {
    value: Value,
    metadata: Metadata,
    pub(super) expires_at: Option<Timestamp>,
    token: u64,
}

impl Slot {
    pub(super) fn record(&self) -> Record {
        Record::new(self.value.0.clone(), self.metadata.clone(), Revision::from_token(self.token))
            .with_expires_at(self.expires_at)
    }

    pub(super) fn head(&self) -> Head {
        Head::new(self.metadata.clone(), self.expires_at)
    }

    fn lend(&self) -> LentRecord<'_> {
        LentRecord::shared(&self.value, &self.metadata, Some(self.token), Some(&self.value.0))
            .with_expires_at(self.expires_at)
    }

    fn copy_to(&self, copies: &mut PageCopy, key: &str, content: Content) {
        match content {
            Content::Keys => copies.push(key, EntryRef::Key),
            Content::Heads => copies.push(key, EntryRef::Head(&self.head())),
            Content::Records => copies.push(key, EntryRef::Record(self.lend())),
        }
    }

    /// How many bytes an entry has beyond its key: those of its value, or of metadata that are not
    /// of a fixed size.
    fn len(&self, content: Content) -> usize {
        match content {
            Content::Keys => 0,
            Content::Heads if self.metadata.foreign_members().next().is_some() => self.metadata.json_len(),
            Content::Heads => size_of::<Metadata>(),
            Content::Records => self.value.len(),
        }
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

impl State {
    /// How many records there are, expired ones too.
    pub(super) fn len(&self) -> usize {
        self.records.len() + self.claims.len()
    }

    /// The record under `key`, asking for the time only where it matters.
    pub(super) fn live(&self, key: &Key, clock: &Clock) -> Option<Record> {
        match self.records.get(key.as_str()) {
            Some(slot) if slot.expires_at.is_none_or(|at| at > clock.now()) => Some(slot.record()),
            Some(_) => None,
            None => self.claim(key.as_str()).and_then(claim::opened),
        }
    }

    pub(super) fn live_at(&self, key: &Key, now: Timestamp) -> Option<Record> {
        match self.records.get(key.as_str()) {
            Some(slot) => slot.is_live(now).then(|| slot.record()),
            None => self.claim(key.as_str()).and_then(claim::opened),
        }
    }

    fn claim(&self, key: &str) -> Option<&[u8]> {
        if self.claims.len() == 0 || !key.contains(claim::INDEX_MARK) { None } else { self.claims.get(key) }
    }

    /// The number of the record's revision and its expiry.
    fn standing(&self, key: &Key, now: Timestamp) -> Option<(u64, Option<Timestamp>)> {
        match self.records.get(key.as_str()) {
            Some(slot) => slot.is_live(now).then_some((slot.token, slot.expires_at)),
            None => Some((envelope::read(self.claim(key.as_str())?).ok()?.token?, None)),
        }
    }

    pub(super) fn holds(&self, condition: &Condition, now: Timestamp) -> bool {
        if condition.lease.as_ref().is_some_and(|lease| !lease.holds_here()) {
            return false;
        }
        match (&condition.expect, self.standing(&condition.key, now)) {
            (Expect::Absent, standing) => standing.is_none(),
            (Expect::Present, standing) => standing.is_some(),
            (Expect::Revision(revision), Some((token, _))) => revision.token() == Some(token),
            (Expect::Revision(_), None) => false,
        }
    }

    pub(super) fn apply(&mut self, write: Write, now: Timestamp) {
        match write {
            Write::Put(key, record) => self.put(key, record, now),
            Write::Update(key, record) => {
                let expires_at = match self.standing(&key, now) {
                    Some((_, expires_at)) => expires_at,
                    None => record.expiry.at(now),
                };
                self.write(key, record, expires_at, now);
            }
            Write::Touch(key, expiry) => self.touch(key, expiry, now),
            Write::Delete(key) => self.remove(key.as_str()),
            Write::AddEntry(key) => self.entries.insert(key.as_str(), &[]),
            Write::RemoveEntry(key) => {
                self.entries.remove(key.as_str());
            }
        }
    }

    pub(super) fn put(&mut self, key: Key, record: NewRecord, now: Timestamp) {
        let expires_at = record.expiry.at(now);
        self.write(key, record, expires_at, now);
    }

    fn write(&mut self, key: Key, record: NewRecord, expires_at: Option<Timestamp>, now: Timestamp) {
        if expires_at.is_some_and(|at| at <= now) {
            self.remove(key.as_str());
            return;
        }
        self.fences.void(key.as_str());
        self.last_token = self.last_token.wrapping_add(1);
        if let Some(claim) = claim::packed(&key, &record, expires_at, self.last_token) {
            self.remove_slot(key.as_str());
            self.claims.insert(key.as_str(), &claim);
            return;
        }
        self.remove_claim(key.as_str());
        let metadata = if record.is_plain { record.metadata.into_plain() } else { record.metadata };
        let slot = Slot { value: record.value, metadata, expires_at, token: self.last_token };
        let key = key.into_string().into_boxed_str();
        if let Some(at) = expires_at {
            self.expiring.insert((at, key.clone()));
        }
        let outdated = match self.records.entry(key) {
            Place::Vacant(entry) => {
                entry.insert(slot);
                None
            }
            Place::Occupied(mut entry) => {
                let before = std::mem::replace(entry.get_mut(), slot).expires_at;
                // An equal moment has one entry in the index, which is the new record's now.
                before.filter(|_| before != expires_at).map(|at| (at, entry.key().clone()))
            }
        };
        if let Some(outdated) = outdated {
            self.expiring.remove(&outdated);
        }
    }

    fn touch(&mut self, key: Key, expiry: Expiry, now: Timestamp) {
        let standing = self.standing(&key, now);
        let expires_at = expiry.touched(standing.and_then(|(_, expires_at)| expires_at), now);
        if standing.is_none() || expires_at.is_some_and(|at| at <= now) {
            self.remove(key.as_str());
            return;
        }
        if expires_at.is_some() {
            self.unpack(key.as_str());
        }
        let Some(slot) = self.records.get_mut(key.as_str()) else { return };
        let before = std::mem::replace(&mut slot.expires_at, expires_at);
        self.forget_expiry(before, key.as_str());
        if let Some(at) = expires_at {
            self.expiring.insert((at, key.into_string().into_boxed_str()));
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.fences.void(key);
        self.remove_slot(key);
        self.remove_claim(key);
    }

    fn remove_slot(&mut self, key: &str) {
        if let Some(slot) = self.records.remove(key) {
            self.forget_expiry(slot.expires_at, key);
        }
    }

    fn remove_claim(&mut self, key: &str) {
        if self.claim(key).is_some() {
            self.claims.remove(key);
        }
    }

    /// Keeps a claim as other records are kept, because it gets an expiry.
    fn unpack(&mut self, key: &str) {
        let record = self.claim(key).and_then(claim::opened);
        let token = record.as_ref().and_then(|record| record.revision.token());
        if let (Some(Record { value, metadata, .. }), Some(token)) = (record, token) {
            self.claims.remove(key);
            self.records.insert(key.into(), Slot { value, metadata, expires_at: None, token });
        }
    }

    fn forget_expiry(&mut self, expires_at: Option<Timestamp>, key: &str) {
        if let Some(at) = expires_at {
            self.expiring.remove(&(at, Box::from(key)));
        }
    }

    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut swept = 0;
        while swept < limit && self.expiring.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.expiring.pop_first() {
                self.records.remove(&key);
                swept += 1;
            }
        }
        swept
    }

    /// Returns a page of index entries, which is short enough to hold the lock for.
    pub(super) fn entries(&self, query: &EntryQuery) -> EntryPage {
        let mut page = EntryPage::new();
        let (from, to) = (query.from.as_ref(), query.to.as_ref());
        if is_empty_range(from, to) {
            return page;
        }
        let range = (from.map(String::as_str), to.map(String::as_str));
        let limit = query.limit.min(SCANNED_BY_PAGE);
        self.entries.visit(range, query.is_reverse, |key, _| {
            if page.len() == limit {
                page.end_at_last();
                return false;
            }
            page.push(key);
            true
        });
        page
    }

    /// Returns the first claims of a range, as records are kept, and whether these are all.
    fn claims_from(&self, start: Bound<&str>, prefix: &str) -> (Vec<(String, Slot)>, bool) {
        let (mut claims, mut are_all) = (Vec::new(), true);
        if self.claims.len() == 0 {
            return (claims, are_all);
        }
        self.claims.visit((start, Bound::Unbounded), false, |key, claim| {
            if !key.starts_with(prefix) {
                return false;
            }
            // More would be read again for the next few entries of the page.
            if claims.len() == COPIED_AT_ONCE {
                are_all = false;
                return false;
            }
            let record = claim::opened(claim);
            let token = record.as_ref().and_then(|record| record.revision.token());
            if let (Some(Record { value, metadata, .. }), Some(token)) = (record, token) {
                claims.push((key.to_owned(), Slot { value, metadata, expires_at: None, token }));
            }
            true
        });
        (claims, are_all)
    }

    /// Copies the next few entries of a page.
    pub(super) fn list(&self, listing: &mut Listing<'_>, now: Timestamp) -> Looked {
        let Listing { query, after, copies, cursor, returned, scanned, bytes } = listing;
        copies.clear();
        let (prefix, content) = (query.prefix().as_str(), query.content());
        let start = match after.as_deref() {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let (claims, are_all) = self.claims_from(start, prefix);
        let last_claim = claims.last().filter(|_| !are_all).map(|(key, _)| &**key);
        let claims = claims.iter().map(|(key, slot)| (&**key, slot));
        let (mut hold, mut last, mut looked) = (Hold::begin(), None, Looked::Complete);
        let in_prefix = self.records.range::<str, _>((start, Bound::Unbounded));
        let records =
            in_prefix.map(|(key, slot)| (&**key, slot)).take_while(|(key, _)| key.starts_with(prefix));
        for (key, slot) in in_order(records, claims) {
            if *returned == query.limit() || *scanned == SCANNED_BY_PAGE || *bytes >= query.max_bytes() {
                *cursor = Some(query.cursor_at(last.or(after.as_deref()).unwrap_or(prefix)));
                break;
            }
            if copies.len() == COPIED_AT_ONCE {
                looked = Looked::Some;
                break;
            }
            if last.is_some() && hold.is_long_after(key.len()) {
                looked = Looked::Long;
                break;
            }
            last = Some(key);
            *scanned += 1;
            if slot.is_live(now) && query.matches(key) {
                *returned += 1;
                *bytes = bytes.saturating_add(key.len() + slot.len(content));
                slot.copy_to(copies, key, content);
            }
            if last_claim == Some(key) {
                looked = Looked::Some;
                break;
            }
        }
        if !matches!(looked, Looked::Complete) {
            *after = last.or(after.as_deref()).map(str::to_owned);
        }
        looked
    }
}

/// Returns the items of two iterators, which are in the order of their keys, in that order. The
/// second is mostly empty.
fn in_order<'a, T: 'a>(
    one: impl Iterator<Item = (&'a str, T)>,
    other: impl Iterator<Item = (&'a str, T)>,
) -> impl Iterator<Item = (&'a str, T)> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || {
        let Some((second, _)) = other.peek() else { return one.next() };
        match one.peek() {
            Some((first, _)) if first < second => one.next(),
            _ => other.next(),
        }
    })
}

/// How many entries are copied before they are lent: few enough to stay in the processor's cache.
const COPIED_AT_ONCE: usize = 64;

/// What became of a page.
#[derive(Clone, Copy)]
pub(super) enum Looked {
    /// It is complete.
    Complete,
    /// Some entries were copied.
    Some,
    /// It took so long that other callers should come in between.
    Long,
}

/// A page in the making.
pub(super) struct Listing<'q> {
    query: &'q ListQuery,
    /// The last key that was looked at.
    after: Option<String>,
    /// What is to be lent next.
    pub(super) copies: PageCopy,
    pub(super) cursor: Option<Cursor>,
    returned: usize,
    scanned: usize,
    bytes: usize,
}

impl<'q> Listing<'q> {
    pub(super) fn new(query: &'q ListQuery, after: Option<&str>) -> Self {
        let (after, copies) = (after.map(str::to_owned), PageCopy::default());
        Self { query, after, copies, cursor: None, returned: 0, scanned: 0, bytes: 0 }
    }
}
