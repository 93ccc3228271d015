//! All entries and claims of an index, page by page, whatever they lead to.

use std::collections::VecDeque;
use std::ops::Bound;

use kv_store::__private::parse_entry;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    CommitScope, Cursor, Entry, EntryPage, EntryQuery, IndexStore, ListQuery, Store, StoreExt, Write,
};
use kv_store::{Error, Result};

use super::enter::of_entity;
use crate::collection::Collection;
use crate::collection::indexed::{IndexedType, Of, holder_of, index_keys};
use crate::entity::{IndexSchema, KvEntity};

/// How many entries are looked at together at most.
const BATCH: usize = 500;

/// Returns how many entries are looked at together: so many that one commit can remove all of them.
/// Each is a write, and a condition on its claim and on each group of its entity.
pub(super) fn batch_of<E: KvEntity, S: Store>(collection: &Collection<E, S>) -> usize {
    let of_each = 2 + E::SCHEMA.groups.len();
    (collection.info().capabilities().limits.commit / of_each).clamp(1, BATCH)
}

/// An entry or a claim.
pub(super) struct Found {
    pub(super) key: Key,
    /// The anchor of the entity to which it leads. None if it names no entity: newer code may have
    /// written it.
    pub(super) anchor: Option<Key>,
    /// The claim that was read, if it is one.
    pub(super) claim: Option<Record>,
}

impl Found {
    /// Whether it leads to no entity with the value, if that has these records.
    pub(super) fn is_astray(&self, of: &dyn IndexedType, number: usize, records: &[Option<Record>]) -> bool {
        let Some(anchor) = &self.anchor else { return false };
        let Some(group) = of.indexes().get(number).map(IndexSchema::group) else { return false };
        let has = |group: usize| records.get(group).is_some_and(Option::is_some);
        if !has(group) {
            return true;
        }
        // What cannot be decoded may have the value, and what lacks only its anchor, too.
        let Ok(entries) = of.entries(anchor, records) else { return false };
        has(0) && entries.get(number).cloned().flatten().as_ref() != Some(&self.key)
    }
}

/// A walk over one index.
pub(super) struct Walk<'a, E, S> {
    collection: &'a Collection<E, S>,
    kind: Kind,
    /// Where it is now.
    position: Option<Position>,
    /// Where it goes then.
    places: VecDeque<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Entries,
    Claims,
}

enum Position {
    Entries(EntryQuery),
    Claims(Key, Option<Cursor>),
}

/// A part of the index: what its keys begin with.
enum Place {
    One(Key),
    /// The shards behind one of them.
    Shards(Key, Option<Key>),
}

impl<'a, E: KvEntity, S: IndexStore> Walk<'a, E, S> {
    pub(super) fn new(collection: &'a Collection<E, S>, schema: &IndexSchema) -> Self {
        match schema.is_unique() {
            true => Self::claims(collection, schema.name),
            false => Self::entries(collection, schema.name),
        }
    }

    /// Begins a walk over the entries of the index with this name.
    pub(super) fn entries(collection: &'a Collection<E, S>, index: &str) -> Self {
        Self::begin(collection, index, Kind::Entries)
    }

    /// Begins a walk over the claims of the index with this name.
    pub(super) fn claims(collection: &'a Collection<E, S>, index: &str) -> Self {
        Self::begin(collection, index, Kind::Claims)
    }

    fn begin(collection: &'a Collection<E, S>, index: &str, kind: Kind) -> Self {
        let place = |key: Key| match kind {
            Kind::Entries if is_of_shards(&key) => Place::Shards(key, None),
            _ => Place::One(key),
        };
        let places = index_keys(collection, index).into_iter().map(place).collect();
        Self { collection, kind, position: None, places }
    }

    /// Returns the next page, which may be empty, or `None` at the end.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Found>>> {
        loop {
            match self.position.take() {
                Some(Position::Entries(query)) => return self.page_of_entries(query).await.map(Some),
                Some(Position::Claims(index, cursor)) => {
                    return self.page_of_claims(index, cursor).await.map(Some);
                }
                None => {}
            }
            match self.places.pop_front() {
                None => return Ok(None),
                Some(Place::One(index)) => {
                    self.position = Some(match self.kind {
                        Kind::Entries => {
                            Position::Entries(EntryQuery::new(index).with_limit(batch_of(self.collection)))
                        }
                        Kind::Claims => Position::Claims(index, None),
                    });
                }
                Some(Place::Shards(index, after)) => self.list_shards(index, after).await?,
            }
        }
    }

    /// Returns the write that removes what was found under a key.
    pub(super) fn removal(&self, key: Key) -> Write {
        match self.kind {
            Kind::Entries => Write::RemoveEntry(key),
            Kind::Claims => Write::Delete(key),
        }
    }

    async fn list_shards(&mut self, index: Key, after: Option<Key>) -> Result<()> {
        let store = self.collection.store();
        let found = store.entry_shards(&index, after.as_ref()).await.map_err(of_entity::<E>)?;
        if let Some(last) = found.indexes.last().filter(|_| found.has_more) {
            self.places.push_front(Place::Shards(index, Some(last.clone())));
        }
        found.indexes.into_iter().rev().for_each(|index| self.places.push_front(Place::One(index)));
        Ok(())
    }

    async fn page_of_entries(&mut self, query: EntryQuery) -> Result<Vec<Found>> {
        let page: EntryPage = self.collection.store().entries(&query).await.map_err(of_entity::<E>)?;
        let found = page.keys().map(|key| {
            let id = parse_entry::<E::Id>(key, E::SCHEMA.ids);
            let anchor = id.map(|id| self.collection.key_of_id(&id));
            Ok(Found { key: self.placed(&query.index, key, anchor.as_ref())?, anchor, claim: None })
        });
        let found = found.collect::<Result<Vec<_>>>()?;
        if let Some(next) = page.next {
            let to = query.to.clone();
            self.position = Some(Position::Entries(query.with_range(Bound::Excluded(next), to)));
        }
        Ok(found)
    }

    async fn page_of_claims(&mut self, index: Key, cursor: Option<Cursor>) -> Result<Vec<Found>> {
        let of = Of(self.collection.clone());
        let query = ListQuery::new(index.clone()).with_limit(batch_of(self.collection)).with_cursor(cursor);
        let mut page = self.collection.store().page(&query).await.map_err(of_entity::<E>)?;
        let mut listed = Vec::new();
        let cursor = page.cursor.take();
        page.for_each(|key, entry| listed.push((key.to_owned(), entry)));
        let mut found = Vec::with_capacity(listed.len());
        for (key, entry) in listed {
            let claim = if let Entry::Record(claim) = entry { Some(claim) } else { None };
            let at = Key::of_listed_entry(&index, &key);
            let anchor = claim.as_ref().and_then(|claim| holder_of(&of, &at, claim).ok());
            found.push(Found { key: self.placed(&index, &key, anchor.as_ref())?, anchor, claim });
        }
        if cursor.is_some() {
            self.position = Some(Position::Claims(index, cursor));
        }
        Ok(found)
    }

    /// Returns the key of an entry or a claim, placed where the store has it: in the shard of its
    /// first value, which is that of the entity, too.
    fn placed(&self, index: &Key, text: &str, anchor: Option<&Key>) -> Result<Key> {
        let key = Key::of_listed_entry(index, text);
        let scope = self.collection.store().capabilities().limits.commit_scope;
        if index.shard().is_some() || !(is_of_shards(index) || scope != CommitScope::AnyKeys) {
            return Ok(key);
        }
        let by_part = Key::of_entry_in_shard(index, text, E::SCHEMA.ids);
        let by_anchor = || anchor.map(|anchor| key.clone().placed_with(anchor));
        by_part.or_else(by_anchor).ok_or_else(|| Error::Malformed {
            at: self.collection.at(&key),
            what: "the entry of an index names no shard".into(),
        })
    }
}

/// Whether a key is the beginning of keys in all shards.
fn is_of_shards(index: &Key) -> bool {
    index.is_sharded() == Some(true) && index.shard().is_none()
}
