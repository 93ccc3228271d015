//! What a transaction makes of entities and their records: the same writes as the calls make.

use std::borrow::Cow;

use super::decode::{Context, decode};
use super::difference::{GroupBefore, GroupOf, Stored};
use super::encode::{Encoded, encode_at};
use super::filled::is_any_filled;
use super::group::Wanted;
use super::{Collection, keys_of_groups, once};
use crate::codec::Codec;
use crate::entity::{GroupSchema, KvEntity};
use crate::migrate::Hook;
use kv_store::key::Key;
use kv_store::record::{Expiry, NewRecord, Record};
use kv_store::store::{Batch, Store, Write};
use kv_store::{Error, Location, Result, Timestamp};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the key of an entity's first group, and those of all groups in the schema's order.
    /// Fails if one is too long for the store.
    pub(crate) fn keys_of_anchor<'k>(&self, anchor: &'k Key) -> Result<Cow<'k, [Key]>> {
        self.keys_of_anchors(std::slice::from_ref(anchor))
    }

    /// Returns the keys of all groups of several entities, in the schema's order for each. Fails if
    /// one is too long for the store.
    pub(crate) fn keys_of_anchors<'k>(&self, anchors: &'k [Key]) -> Result<Cow<'k, [Key]>> {
        let keys = match E::SCHEMA.groups.len() {
            1 => Cow::Borrowed(anchors),
            _ => Cow::Owned(anchors.iter().flat_map(keys_of_groups::<E>).collect::<Vec<Key>>()),
        };
        keys.iter().try_for_each(|key| self.check_key(key))?;
        Ok(keys)
    }

    /// Returns the key of the first group of an entity, from that of any group.
    pub(crate) fn anchor_of_group(&self, key: &Key) -> Key {
        key.with_group(super::anchor::<E>().name)
    }

    /// Returns whether these records are JSON, and byte for byte what would be written of the entity,
    /// which was read from them. Then nothing in them is unknown to the entity.
    pub(crate) fn is_as_written(&self, entity: &E, records: &[Option<Record>]) -> bool {
        if Self::ADOPTS {
            // These are the bytes of another program, which may hold more than the value.
            return false;
        }
        let mut groups = E::SCHEMA.groups.iter().enumerate().zip(records);
        groups.all(|((group, schema), record)| {
            let Some(record) = record else { return false };
            let version = schema.write_version;
            if record.metadata.version != version || record.metadata.codec != Codec::Json {
                return false;
            }
            let wanted = Wanted::COMPARISON.unless(Some(&record.value.0));
            // An error comes again when it is saved.
            let nowhere = || Location::store(self.info().name());
            let encoded = encode_at(entity, group, version, wanted, &nowhere);
            encoded.is_ok_and(|encoded| encoded.codec == Codec::Json && encoded.value == record.value.0)
        })
    }

    /// Returns the writes of [`writes_to_save`](Self::writes_to_save) if the records are
    /// [as written](Self::is_as_written), of an entity with this `expires_at`.
    pub(crate) fn writes_to_save_again(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        expires_at: Option<Timestamp>,
    ) -> Result<Batch> {
        let mut writes = Batch::new();
        let stored = E::SCHEMA.groups.iter().zip(records.iter().flatten());
        for (group, (schema, record)) in stored.enumerate() {
            let encoded = Encoded::new(record.value.0.clone(), schema, schema.write_version);
            let before = GroupBefore { encoded, stored: Stored::Known };
            let (key, target) = (anchor.with_group(schema.name), GroupOf { anchor, records, group });
            if let Some(write) = self.rewrite(key, entity, target, record, (&before, expires_at))? {
                writes.push(write);
            }
        }
        if is_any_filled(records) {
            return Ok(self.made_own(anchor, entity, records, writes.into_vec())?.into());
        }
        Ok(writes)
    }

    /// Returns the key of the entity's first group.
    pub(crate) fn anchor_of(&self, entity: &E) -> Key {
        self.key_of(entity)
    }

    /// Returns the entity of records as the store has them, if its first group is there.
    pub(crate) fn entity_at(&self, id: E::Id, anchor: &Key, records: &[Option<Record>]) -> Result<Option<E>> {
        self.decode(id, anchor, &self.adopted(anchor, records)?)
    }

    /// Returns the key of a group, and what writes a record of another key there: with the same
    /// value, metadata and expiry, as the records of this group are stored.
    pub(crate) fn copy_of(&self, anchor: &Key, group: usize, record: &Record) -> Result<(Key, NewRecord)> {
        let schema = E::SCHEMA.groups.get(group).unwrap_or_else(|| super::anchor::<E>());
        let key = anchor.with_group(schema.name);
        let expiry = record.expires_at.map_or(Expiry::Never, Expiry::At);
        let copy = self.same(&key, schema, record, expiry)?;
        Ok((key, copy))
    }

    /// Returns whether both collections are handles on one and the same store.
    pub(crate) fn shares_store<P, T>(&self, other: &Collection<P, T>) -> bool {
        self.kv.is_same(&other.kv)
    }

    /// Returns the writes of [`put`](Self::put) and [`insert`](Self::insert).
    pub(crate) fn writes_to_put(&self, anchor: &Key, entity: &E) -> Result<Vec<Write>> {
        self.writes_of_new(anchor, entity, self.info().clock().now())
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
        let locate = |group: &GroupSchema| self.at(&anchor.with_group(group.name));
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
