//! What a transaction makes of entities and their records: the same writes as the calls make.

use super::decode::{Context, decode};
use super::{Collection, keys_of_groups, once};
use crate::entity::{GroupSchema, KvEntity};
use crate::migrate::Hook;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Store, StoreExt, Write};
use kv_store::{Error, Result};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the key of an entity's first group, and those of all groups in the schema's order.
    /// Fails if one is too long for the store.
    pub(crate) fn keys_of_anchor(&self, anchor: &Key) -> Result<Vec<Key>> {
        let keys: Vec<Key> = keys_of_groups::<E>(anchor).collect();
        keys.iter().try_for_each(|key| self.check_key(key))?;
        Ok(keys)
    }

    /// Returns the key of the entity's first group.
    pub(crate) fn anchor_of(&self, entity: &E) -> Key {
        self.key_of(entity)
    }

    /// Returns the entity of records as the store has them, if its first group is there.
    pub(crate) fn entity_at(&self, id: E::Id, anchor: &Key, records: &[Option<Record>]) -> Result<Option<E>> {
        self.decode(id, anchor, &self.adopted(anchor, records)?)
    }

    /// Returns the writes of [`put`](Self::put) and [`insert`](Self::insert).
    pub(crate) fn writes_to_put(&self, anchor: &Key, entity: &E) -> Result<Vec<Write>> {
        self.writes_of_new(anchor, entity, self.store().clock().now())
    }

    /// Returns the writes that bring records, which were read as another state of the entity, to
    /// this state: those of an [`update`](Self::update).
    pub(crate) fn writes_to_save(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
    ) -> Result<Vec<Write>> {
        let records = &*self.adopted(anchor, records)?;
        // The hook was called when the entity was read.
        let locate = |group: &GroupSchema| self.at(&anchor.with_group(group.name()));
        let context = Context { hook: &Hook(None), ..self.context(&locate) };
        let before = decode::<E>(entity.id(), records, &context).map_err(|error| *error)?;
        let Some(before) = before else { return Err(Error::NotFound { at: self.at(anchor) }) };
        let before = self.values_before(anchor, &before, records)?;
        self.writes_of_change(anchor, entity, records, &before)
    }

    /// Returns the entity after a change of what was read, or what `create` makes if there is none,
    /// and the writes of an [`update`](Self::update) or an [`upsert`](Self::upsert).
    pub(crate) fn writes_to_update(
        &self,
        anchor: &Key,
        id: E::Id,
        records: &[Option<Record>],
        change: impl FnOnce(&mut E),
        create: Option<impl FnOnce() -> E>,
    ) -> Result<(E, Vec<Write>)> {
        self.changed(anchor, id, &self.adopted(anchor, records)?, once(change), create)
    }
}
