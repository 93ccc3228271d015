//! What an entity's type knows of its indexes, without the type: one copy of the rest serves all.

use kv_store::__private::parse_key;
use kv_store::index::IndexParts;
use kv_store::key::{EntityId, Key, KeyBuilder};
use kv_store::record::Record;
use kv_store::store::Store;
use kv_store::{BoxFuture, Error, Location, MaybeSend, MaybeSync, Result};

use super::super::{Collection, anchor, keys_of_groups};
use super::shard::{check_scope, parts_of};
use crate::entity::{IndexSchema, KvEntity};

/// An entity's type with indexes.
pub(crate) trait IndexedType: MaybeSend + MaybeSync {
    fn indexes(&self) -> &'static [IndexSchema];

    /// The keys of all groups, the anchor first.
    fn keys(&self, anchor: &Key) -> Vec<Key>;

    /// The keys under which the entity with these records is entered, one for each index. `None`
    /// where it has no entry: it is absent, its group is, or its value is missing.
    fn entries(&self, anchor: &Key, records: &[Option<Record>]) -> Result<Vec<Option<Key>>>;

    /// The anchor of the entity with this [`entity_part`](Key::entity_part).
    fn anchor(&self, entity: &str) -> Option<Key>;

    fn at(&self, key: &Key) -> Box<Location>;

    /// Makes the indexes ready if the collection is empty.
    fn make_ready(&self) -> BoxFuture<'_, Result<()>>;
}

/// The type `E` in the store of a collection.
pub(crate) struct Of<E, S>(pub(crate) Collection<E, S>);

impl<E: KvEntity, S: Store> IndexedType for Of<E, S> {
    fn indexes(&self) -> &'static [IndexSchema] {
        E::INDEXES
    }

    fn keys(&self, anchor: &Key) -> Vec<Key> {
        keys_of_groups::<E>(anchor).collect()
    }

    fn entries(&self, key: &Key, records: &[Option<Record>]) -> Result<Vec<Option<Key>>> {
        let nothing = || vec![None; E::INDEXES.len()];
        let Some(id) = id_of::<E>(key) else { return Ok(nothing()) };
        let Some(entity) = self.0.decode(id, key, records)? else { return Ok(nothing()) };
        let is_there = |index: &IndexSchema| records.get(index.group()).is_some_and(Option::is_some);
        let entry = |(number, index)| {
            let key = entry_of(&entity, number).filter(|_| is_there(index));
            key.map(|key| self.0.check_key(&key).map(|()| key)).transpose()
        };
        E::INDEXES.iter().enumerate().map(entry).collect()
    }

    fn anchor(&self, entity: &str) -> Option<Key> {
        let id = parse_key::<E::Id>(entity, E::SCHEMA.prefix, E::SCHEMA.ids, None)?;
        Some(self.0.key_of_id(&id))
    }

    fn at(&self, key: &Key) -> Box<Location> {
        self.0.at(key)
    }

    fn make_ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.0.make_ready())
    }
}

/// The id in the key of an entity's first group.
pub(crate) fn id_of<E: KvEntity>(key: &Key) -> Option<E::Id> {
    parse_key(key.as_str(), E::SCHEMA.prefix, E::SCHEMA.ids, anchor::<E>().name)
}

/// The key of the entity's entry in an index, unless its only value is missing.
pub(crate) fn entry_of<E: KvEntity>(entity: &E, number: usize) -> Option<Key> {
    let schema = E::INDEXES.get(number)?;
    let mut parts = parts_of::<E>(schema);
    entity.write_index(number, &mut parts);
    if parts.len() == 1 && parts.is_missing() {
        return None;
    }
    let mut key = begin::<E>(schema, parts.as_str());
    if !schema.is_unique() {
        EntityId::write(&entity.id(), &mut key);
    }
    Some(parts.place(key.finish_entry()))
}

/// Returns the key of the claim of these values, or what the keys of all entries with them begin
/// with. The values are those of [`parts_of`].
pub(crate) fn index_key<E: KvEntity>(schema: &IndexSchema, parts: &IndexParts) -> Key {
    parts.place(begin::<E>(schema, parts.as_str()).finish_entry())
}

/// Begins the key of the entries with these values.
fn begin<E: KvEntity>(schema: &IndexSchema, parts: &str) -> KeyBuilder {
    KeyBuilder::entry(E::SCHEMA.prefix, schema.name, parts, schema.is_shown(), E::SCHEMA.ids)
}

/// Fails if the store keeps no indexes, or not these: one that was chosen while the program runs may
/// not.
pub(crate) fn check_supported<E: KvEntity, S: Store>(collection: &Collection<E, S>) -> Result<()> {
    if collection.info().capabilities().indexes {
        return check_scope(collection);
    }
    let at = collection.located(Location::store(collection.store().info().name()));
    Err(Error::Unsupported { at, capability: "the indexes of this entity" })
}
