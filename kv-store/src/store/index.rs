//! The contract of stores that keep indexes.

use std::fmt;
use std::future::Future;
use std::ops::Bound;

use super::claim::{ClaimQuery, Claimed};
use super::contract::AtomicStore;
use super::get::GetOptions;
use crate::error::Result;
use crate::key::Key;
use crate::maybe_send::MaybeSend;
use crate::record::Record;

/// A store that keeps the entries of indexes, in order, and commits them together with records.
///
/// An entry is a key without a value. [`Write::AddEntry`](super::Write::AddEntry) and
/// [`Write::RemoveEntry`](super::Write::RemoveEntry) write it.
///
/// - A commit MUST take both, with other writes and conditions, and make all of them or none.
/// - To add an entry that is there, and to remove one that is not, MUST do nothing.
/// - An entry MUST NOT expire.
/// - The caller passes no condition on an entry, and no other write of its key.
/// - The key of an entry begins with the name of its index, which has two parts that end with `!`:
///   `user!by_city!London!7!`. A store MAY keep the entries of each index apart.
/// - The key of an entry may have a [shard](Key::shard), which its first value names. A store whose
///   commits have a [scope](super::Limits::commit_scope) of one shard MUST take such entries with
///   the other keys of the shard. It MAY keep the entries of each shard apart, and says so by
///   [`Capabilities::indexes_by_shard`](super::Capabilities::indexes_by_shard).
/// - A [list](super::Store::list) whose prefix is that of an index MAY show its entries, as records
///   without a value.
/// - A store that implements this trait sets [`Capabilities::indexes`](super::Capabilities::indexes).
///   One that is chosen at run time may implement it without. Its commits then refuse entries as
///   [`Error::Unsupported`](crate::Error::Unsupported) before they write anything.
///
/// Entities with `#[kv(index)]` or `#[kv(unique)]` need such a store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep indexes, which this entity has",
    label = "this store cannot commit an entity together with its index entries",
    note = "indexes need a store that implements `IndexStore`, such as `MemoryStore`, `RedbStore` or `RedisStore`",
    note = "without one, keep a second entity whose id is the value that you look up"
)]
pub trait IndexStore: AtomicStore {
    /// Returns the entries of a range, in the order of the bytes of their keys or in the reverse of
    /// it, as they are at one moment.
    ///
    /// - A page MUST hold at most [`EntryQuery::limit`] entries. It MAY hold fewer, or none, and
    ///   say where the list goes on.
    /// - An entry that existed all the time MUST be in exactly one page of a list that goes on to
    ///   the end.
    /// - If the store keeps the entries of each shard apart, a page MUST have the entries in the shard
    ///   of [`EntryQuery::index`], or those without a shard if that has none.
    /// - A page MUST have the record that [`EntryQuery::also`] asks for, as it was at the same moment
    ///   or before.
    /// - The call SHOULD yield to other tasks rather than hold the thread for longer than 10 ms.
    fn entries(&self, query: &EntryQuery) -> impl Future<Output = Result<EntryPage>> + MaybeSend;

    /// Returns the shards in which an index has entries, some at a time: those behind `after`, which
    /// is the last one of the page before.
    ///
    /// - A shard that had entries all the time MUST be on exactly one of the pages. One without
    ///   entries MAY be on one.
    /// - Only a store that keeps the entries of each shard apart has to implement it. Whether `index`
    ///   has a shard does not matter.
    ///
    /// By default it returns the index alone. A wrapper MUST forward the call.
    fn entry_shards(
        &self,
        index: &Key,
        after: Option<&Key>,
    ) -> impl Future<Output = Result<EntryShards>> + MaybeSend {
        let indexes = if after.is_none() { vec![index.clone()] } else { Vec::new() };
        std::future::ready(Ok(EntryShards { indexes, has_more: false }))
    }

    /// Returns a claim and the record beside it, as [`get_many`](super::Store::get_many) returns
    /// them.
    ///
    /// - A store MAY also return the records of the entity that the claim names, and so save a round
    ///   trip. Their keys are [`ClaimQuery::before`], the text of the claim, and one of
    ///   [`ClaimQuery::behind`].
    /// - Then there MUST be one answer for each, and all MUST be of the moment of the claim.
    /// - It MUST leave them out if there is no claim, if the claim is no JSON text, or if one of the
    ///   records cannot be read.
    ///
    /// By default they are left out. A wrapper MUST forward the call.
    fn claim(&self, query: &ClaimQuery) -> impl Future<Output = Result<Claimed>> + MaybeSend {
        async move {
            let keys = [query.also.clone(), query.claim.clone()];
            let mut records = self.get_many(&keys, GetOptions::new()).await?.into_iter();
            let (also, claim) = (records.next().flatten(), records.next().flatten());
            Ok(Claimed::new(claim, also))
        }
    }
}

/// A range of index entries, and which of them to return.
#[derive(Clone)]
#[non_exhaustive]
pub struct EntryQuery {
    /// What the keys of all entries of the index begin with.
    pub index: Key,
    /// The least key of the range.
    pub from: Bound<String>,
    /// The greatest key of the range.
    pub to: Bound<String>,
    /// Whether the greatest come first.
    pub is_reverse: bool,
    /// The maximum number of entries.
    pub limit: usize,
    /// The key of a record to read, too.
    pub also: Option<Key>,
}

impl EntryQuery {
    /// Returns a query for the first 1,000 entries whose keys begin with `index`.
    #[must_use]
    pub fn new(index: Key) -> Self {
        let from = Bound::Included(index.as_str().to_owned());
        let to = Bound::Excluded(after_prefix(index.as_str()));
        Self { index, from, to, is_reverse: false, limit: 1_000, also: None }
    }

    /// Returns the same query of another range of the same index.
    #[must_use]
    pub fn with_range(mut self, from: Bound<String>, to: Bound<String>) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Returns the same query, with the greatest entries first or the least.
    #[must_use]
    pub const fn with_reverse(mut self, is_reverse: bool) -> Self {
        self.is_reverse = is_reverse;
        self
    }

    /// Sets the maximum number of entries. It is at least one.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Also reads the record under a key, in the same round trip: not later than the entries.
    #[must_use]
    pub fn with_also(mut self, key: Key) -> Self {
        self.also = Some(key);
        self
    }

    /// Returns the query whose keys are longer by `prefix`, for a wrapper that makes keys longer.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        let longer = |bound: &Bound<String>| bound.as_ref().map(|key| format!("{prefix}{key}"));
        Self {
            index: self.index.within(prefix),
            from: longer(&self.from),
            to: longer(&self.to),
            is_reverse: self.is_reverse,
            limit: self.limit,
            also: self.also.as_ref().map(|key| key.within(prefix)),
        }
    }
}

/// Shows none of the values.
impl fmt::Debug for EntryQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryQuery")
            .field("index", &self.index)
            .field("is_reverse", &self.is_reverse)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Returns the least text that is greater than every text with this beginning, which ends with an
/// ASCII character.
#[must_use]
pub(crate) fn after_prefix(prefix: &str) -> String {
    let mut after = prefix.to_owned();
    match after.pop() {
        Some(last) => after.push(char::from_u32(u32::from(last) + 1).unwrap_or(char::MAX)),
        None => after.push(char::MAX),
    }
    after
}

/// Returns whether no key can be in a range. Sorted maps panic if they are asked for some of these.
#[must_use]
pub fn is_empty_range(from: Bound<&String>, to: Bound<&String>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
            from >= to
        }
    }
}

/// Some of the shards in which an index has entries.
#[derive(Clone, Debug, Default)]
pub struct EntryShards {
    /// What the keys of all entries of the index begin with, in each of the shards:
    /// [`EntryQuery::index`].
    pub indexes: Vec<Key>,
    /// Whether there may be more shards behind the last of these.
    pub has_more: bool,
}

impl EntryShards {
    /// Returns the shards without the beginning of their keys, for a wrapper that makes keys longer.
    /// What begins otherwise is left out.
    #[must_use]
    pub fn without(self, prefix: &str) -> Self {
        let indexes = self.indexes.iter().filter_map(|index| index.without(prefix)).collect();
        Self { indexes, has_more: self.has_more }
    }
}

/// A page of index entries.
#[derive(Default)]
pub struct EntryPage {
    /// All keys, concatenated.
    keys: String,
    ends: Vec<usize>,
    /// The last key that the page has looked at, if the range goes on behind it.
    pub next: Option<String>,
    /// The record that [`EntryQuery::also`] asks for, if there is one.
    pub also: Option<Record>,
}

impl EntryPage {
    /// Returns an empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key of an entry.
    pub fn push(&mut self, key: &str) {
        self.keys.push_str(key);
        self.ends.push(self.keys.len());
    }

    /// Adds so many of these keys, which are in the order of the query, and notes whether there are
    /// more.
    pub fn fill<'a>(&mut self, mut keys: impl Iterator<Item = &'a str>, limit: usize) {
        for key in keys.by_ref().take(limit) {
            self.push(key);
        }
        if keys.next().is_some() {
            self.end_at_last();
        }
    }

    /// Says that the range goes on behind the last entry.
    pub fn end_at_last(&mut self) {
        let start = self.ends.len().checked_sub(2).map_or(0, |before| self.ends[before]);
        self.next = Some(self.keys[start..].to_owned());
    }

    /// Returns the page without the beginning of its keys, for a wrapper that makes keys longer. What
    /// begins otherwise is left out.
    #[must_use]
    pub fn without(mut self, prefix: &str) -> Self {
        let mut page = Self {
            also: self.also.take(),
            next: self.next.as_ref().and_then(|key| Some(key.strip_prefix(prefix)?.to_owned())),
            ..Self::new()
        };
        self.keys().filter_map(|key| key.strip_prefix(prefix)).for_each(|key| page.push(key));
        page
    }

    /// Returns the number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the keys, in the order of the query.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.keys[std::mem::replace(&mut start, *end)..*end])
    }
}

/// Shows how many entries there are, and none of them.
impl fmt::Debug for EntryPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryPage").field("entries", &self.len()).finish_non_exhaustive()
    }
}
