//! Pages of an index: entries, and the entities to which they lead.

use kv_store::__private::{coop, parse_entry};
use kv_store::index::{IndexKey, IndexParts};
use kv_store::key::Key;
use kv_store::store::{Cursor, EntryPage, EntryQuery, IndexStore, ListQuery};
use kv_store::{Error, Result};
use std::ops::Bound;

use super::builder::{ByIndex, ByIndexIds, Lookup};
use super::range::Selected;
use super::state::{Reading, Seen, schema_of};
use crate::collection::indexed::{EntryOf, check_within, index_key};
use crate::collection::span;
use crate::entity::KvEntity;
use crate::list::{IdPage, Pace, Page, secret};
use crate::small::Instrument;

/// How many entities a page holds by default, and how many a stream fetches at a time.
pub(super) const PAGE: usize = 1_000;

/// A page ends after so many entries that lead to no entity with the value, and there may be more.
const ASTRAY: usize = 10_000;

/// A page before it is returned.
pub(super) struct Found<E> {
    pub(super) entities: Vec<E>,
    pub(super) failed: Vec<Error>,
    /// Entries that name no entity of this type.
    skipped: usize,
    /// Entries that lead to no entity with the value.
    astray: usize,
    /// How many bytes were read of entities.
    bytes: usize,
    /// The last entry that was looked at, if there may be more behind it.
    next: Option<String>,
}

impl<E: KvEntity, S: IndexStore, V: IndexKey> ByIndex<E, S, V> {
    /// Returns the first page, or the one at the cursor.
    ///
    /// A page ends after the limit, or once its entities have 4 MiB. It may hold fewer entities than
    /// the limit, even none, although there are more: only [`Page::cursor`] tells. An entity that exists and cannot be read is in [`Page::failed`]. An
    /// entity that gets another value between two pages may be on both or on none.
    ///
    /// # Errors
    ///
    /// - [`Error::IndexNotReady`] if the index was not built yet.
    /// - [`Error::InvalidCursor`] if the cursor is not of this lookup.
    /// - [`Error::InvalidOptions`] if the limit is 0, or if the cursor is a text that was hidden
    ///   because ids or values are secret, and the [`Kv`](crate::Kv) has no cursor key.
    /// - The store's error if the store fails.
    pub async fn page(self) -> Result<Page<E>> {
        self.lookup.page().await
    }

    /// Returns how many entities there are from the cursor on. It reads all of them, page by page,
    /// because only they tell whether they still have the value.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page), and the error of an entity that cannot be read.
    pub async fn count(self) -> Result<u64> {
        let mut lookup = self.lookup;
        let (mut count, limit) = (0_u64, lookup.limit.take());
        loop {
            let page = lookup.clone().page().await?;
            if let Some(error) = page.failed.into_iter().next() {
                return Err(error);
            }
            count += page.entities.len() as u64;
            if limit.is_some_and(|limit| count >= limit as u64) {
                return Ok(limit.map_or(count, |limit| count.min(limit as u64)));
            }
            lookup.cursor = page.cursor;
            if lookup.cursor.is_none() {
                return Ok(count);
            }
            coop::yield_now().await;
        }
    }
}

impl<E: KvEntity, S: IndexStore> ByIndexIds<E, S> {
    /// Returns the first page, or the one at the cursor, as [`ByIndex::page`] does.
    ///
    /// # Errors
    ///
    /// Those of [`ByIndex::page`].
    pub async fn page(self) -> Result<IdPage<E::Id>> {
        let Page { entities, skipped, cursor, .. } = self.0.page().await?;
        Ok(IdPage { ids: entities.iter().map(KvEntity::id).collect(), skipped, cursor })
    }
}

impl<E: KvEntity, S: IndexStore> Lookup<E, S> {
    pub(super) async fn page(self) -> Result<Page<E>> {
        let index = self.index();
        let operation = "list_by";
        let span = span(operation, E::SCHEMA.name, self.collection.info().name(), &index);
        async {
            let limit = self.limit.unwrap_or(PAGE);
            if limit == 0 {
                let what = "a page of no entities makes no progress; ask for at least one";
                return Err(Error::InvalidOptions { at: self.collection.at(&index), what: what.into() });
            }
            let found = self.find(self.cursor.clone(), limit).await?;
            let cursor = self.cursor_at(found.next.as_deref());
            let Found { entities, failed, skipped, .. } = found;
            Ok(Page { entities, failed, skipped, cursor })
        }
        .instrument(span)
        .await
    }

    /// What the keys of all entries begin with.
    fn index(&self) -> Key {
        let schema = schema_of::<E>(self.number);
        self.selected.place(index_key::<E>(schema, &IndexParts::new()))
    }

    /// Finds at most so many entities.
    pub(super) async fn find(&self, cursor: Option<Cursor>, limit: usize) -> Result<Found<E>> {
        let reading = Reading::new(&self.collection, self.number)?;
        let index = self.index();
        check_within(&self.collection, reading.schema, &index)?;
        let mut found = Found::at(self.position(&index, cursor)?);
        let mut begun = None;
        let seen = loop {
            let wanted = limit.saturating_sub(found.len()).min(PAGE);
            let mut query = self.query(&index, found.next.clone()).with_limit(wanted);
            if begun.is_none() {
                query = query.with_also(reading.state.clone());
            }
            let store = self.collection.store();
            let page = store.entries(&query).await.map_err(|error| error.of_entity(E::SCHEMA.name))?;
            if begun.is_none() {
                begun = reading.revision(page.also.as_ref());
                if begun.is_none() {
                    // Where it becomes ready, its entries are read again.
                    begun = Some(reading.ready(page.also.as_ref()).await?);
                    continue;
                }
            }
            let seen = self.read(page, index.as_str(), &reading.state, &mut found).await?;
            let is_full =
                found.len() >= limit || found.astray >= ASTRAY || found.bytes >= ListQuery::MAX_BYTES;
            if is_full || found.next.is_none() {
                break seen;
            }
            coop::yield_now().await;
        };
        // An index that was dropped meanwhile had not all of its entries.
        if let Some(begun) = begun {
            reading.end(&begun, seen).await?;
        }
        Ok(found)
    }

    /// Adds the entities of a page of entries. Returns the state of the index as it was behind the
    /// entries, if it was read with the entities.
    async fn read(&self, page: EntryPage, index: &str, state: &Key, found: &mut Found<E>) -> Result<Seen> {
        let mut entries = Vec::with_capacity(page.len());
        for entry in page.keys() {
            match (entry.strip_prefix(index), parse_entry::<E::Id>(entry, E::SCHEMA.ids)) {
                (Some(values_and_id), Some(id)) => entries.push(EntryOf { values_and_id, id }),
                _ => found.skipped += 1,
            }
        }
        let known = self.collection.known_indexes();
        let sharing = self.collection.info().capabilities().sharing;
        let mut pace = Pace::knowing(sharing, known.largest::<E>());
        let (mut read, mut seen) = (0, Seen::Not);
        while read < entries.len() && found.bytes < ListQuery::MAX_BYTES {
            let batch = pace.next(entries.len() - read, ListQuery::MAX_BYTES - found.bytes);
            let Found { entities, failed, astray, bytes, .. } = &mut *found;
            let mut largest = 0;
            let each = |entity: Result<Option<E>>, len: usize| {
                largest = largest.max(len);
                *bytes = bytes.saturating_add(len);
                match entity {
                    Ok(Some(entity)) if self.has(&entity) => entities.push(entity),
                    Ok(_) => *astray += 1,
                    Err(error) => failed.push(error),
                }
            };
            let entries = &entries[read..read + batch];
            let state = self.collection.find_all_entered(entries, self.number, state, each).await?;
            seen = Seen::Was(state);
            pace.saw(std::iter::once(largest));
            read += batch;
        }
        known.saw::<E>(pace.largest());
        found.next = match entries.get(read.saturating_sub(1)) {
            Some(last) if read < entries.len() => Some(format!("{index}{}", last.values_and_id)),
            _ => page.next,
        };
        Ok(seen)
    }

    /// Whether the entity's own value is selected, where the entry has only its beginning.
    fn has(&self, entity: &E) -> bool {
        if !self.selected.needs_values() {
            return true;
        }
        let mut values = IndexParts::whole();
        entity.write_index(self.number, &mut values);
        self.selected.has(&values)
    }

    /// The entries that are selected, behind an entry.
    fn query(&self, index: &Key, after: Option<String>) -> EntryQuery {
        let (mut from, mut to) = self.selected.keys(index.as_str());
        match after {
            Some(after) if self.is_reverse => to = Bound::Excluded(after),
            Some(after) => from = Bound::Excluded(after),
            None => {}
        }
        EntryQuery::new(index.clone()).with_range(from, to).with_reverse(self.is_reverse)
    }

    /// A list query whose cursors are those of this lookup.
    fn sealing(&self, index: &Key) -> ListQuery {
        let Self { selected, is_reverse, .. } = self;
        let namespace = self.collection.store().info().namespace();
        let of = format!("{:?} {is_reverse} {namespace:?}", Selected::keys(selected, ""));
        ListQuery::new(index.clone()).with_suffix(of)
    }

    /// Returns the cursor of a page that ends with this entry.
    pub(super) fn cursor_at(&self, entry: Option<&str>) -> Option<Cursor> {
        let index = self.index();
        let position = entry?.strip_prefix(index.as_str())?;
        let cursor = self.sealing(&index).cursor_at(position);
        secret::printable_if(self.is_secret(), &self.collection, &index, Some(cursor))
    }

    /// Returns the entry at which a page ended.
    fn position(&self, index: &Key, cursor: Option<Cursor>) -> Result<Option<String>> {
        let cursor = secret::stored_if(self.is_secret(), &self.collection, index, cursor)?;
        let query = self.sealing(index).with_cursor(cursor);
        let position = query.position(self.collection.info().name());
        let position = position.map_err(|error| error.of_entity(E::SCHEMA.name))?;
        Ok(position.map(|position| format!("{}{position}", index.as_str())))
    }

    /// Whether a cursor contains what must not be shown.
    fn is_secret(&self) -> bool {
        !schema_of::<E>(self.number).is_shown() || secret::is_secret::<E>()
    }
}

impl<E> Found<E> {
    const fn at(next: Option<String>) -> Self {
        Self { entities: Vec::new(), failed: Vec::new(), skipped: 0, astray: 0, bytes: 0, next }
    }

    fn len(&self) -> usize {
        self.entities.len() + self.failed.len()
    }
}
