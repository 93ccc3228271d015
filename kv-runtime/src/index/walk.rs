//! All entries and claims of an index, page by page, whatever they lead to.

use kv_store::__private::parse_entry;
use kv_store::Result;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Cursor, Entry, EntryQuery, IndexStore, ListQuery, Store, StoreExt};

use super::enter::of_entity;
use crate::collection::Collection;
use crate::collection::indexed::{IndexedType, Of, holder_of, named_index_key};
use crate::entity::{IndexSchema, KvEntity};

/// How many entries are looked at together at most.
const BATCH: usize = 500;

/// Returns how many entries are looked at together: so many that one commit can remove all of them.
/// Each is a write, and a condition on its claim and on each group of its entity.
pub(super) fn batch_of<E: KvEntity, S: Store>(collection: &Collection<E, S>) -> usize {
    let of_each = 2 + E::SCHEMA.groups().len();
    (collection.store().capabilities().limits.commit / of_each).clamp(1, BATCH)
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
    index: Key,
    next: Next,
}

enum Next {
    Entries(EntryQuery),
    Claims(Option<Cursor>),
    End,
}

impl<'a, E: KvEntity, S: IndexStore> Walk<'a, E, S> {
    pub(super) fn new(collection: &'a Collection<E, S>, schema: &IndexSchema) -> Self {
        let index = named_index_key::<E>(schema.name());
        let next = match schema.is_unique() {
            true => Next::Claims(None),
            false => Next::Entries(EntryQuery::new(index.clone()).with_limit(batch_of(collection))),
        };
        Self { collection, index, next }
    }

    /// Returns the next page, which may be empty, or `None` at the end.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Found>>> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::End => Ok(None),
            Next::Entries(query) => self.entries(query).await.map(Some),
            Next::Claims(cursor) => self.claims(cursor).await.map(Some),
        }
    }

    async fn entries(&mut self, query: EntryQuery) -> Result<Vec<Found>> {
        let page = self.collection.store().entries(&query).await.map_err(of_entity::<E>)?;
        let found = page.keys().map(|key| Found {
            key: Key::of_listed_entry(&self.index, key),
            anchor: parse_entry::<E::Id>(key, E::SCHEMA.ids()).map(|id| self.collection.key_of_id(&id)),
            claim: None,
        });
        let found = found.collect();
        if let Some(next) = page.next {
            let to = query.to.clone();
            self.next = Next::Entries(query.with_range(std::ops::Bound::Excluded(next), to));
        }
        Ok(found)
    }

    async fn claims(&mut self, cursor: Option<Cursor>) -> Result<Vec<Found>> {
        let of = Of(self.collection.clone());
        let query = ListQuery::new(self.index.clone()).with_limit(batch_of(self.collection));
        let query = query.with_cursor(cursor);
        let mut page = self.collection.store().page(&query).await.map_err(of_entity::<E>)?;
        if let Some(cursor) = page.cursor.take() {
            self.next = Next::Claims(Some(cursor));
        }
        let mut found = Vec::new();
        page.for_each(|key, entry| {
            let Entry::Record(claim) = entry else { return };
            let key = Key::of_listed_entry(&self.index, key);
            let anchor = holder_of(&of, &key, &claim).ok();
            found.push(Found { key, anchor, claim: Some(claim) });
        });
        Ok(found)
    }
}
