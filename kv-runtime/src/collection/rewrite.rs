//! What a change of an entity writes: the groups that it changed, with their unknown members.

use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, Record};
use kv_store::store::{Store, Write};
use kv_store::{Error, Result, Timestamp};

use super::Collection;
use super::adopt::Origin;
use super::difference::{Before, GroupBefore, GroupOf};
use super::encode::{encode_at, expires_by_field};
use super::group::Wanted;
use crate::adopt::Adapter;
use crate::codec::Codec;
use crate::entity::{GroupSchema, KvEntity};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the writes that bring the records to the changed entity. `before` is empty for an
    /// entity that `create` made.
    pub(super) fn writes_of_change(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        before: &Before,
    ) -> Result<Vec<Write>> {
        let mut writes = Vec::with_capacity(E::SCHEMA.groups.len());
        for group in 0..E::SCHEMA.groups.len() {
            let target = GroupOf { anchor, records, group };
            let key = anchor.with_group(E::SCHEMA.groups[group].name);
            let was = before.groups.get(group);
            match (records.get(group).and_then(Option::as_ref), was) {
                (Some(record), Some(was)) => {
                    writes.extend(self.rewrite(key, entity, target, record, (was, before.expires_at))?);
                }
                (_, was) => {
                    let record = self.new_record(&key, entity, group, self.info().clock().now())?;
                    if was.is_none_or(|was| was.encoded.value != record.value.0) {
                        writes.push(Write::Put(key, record));
                    }
                }
            }
        }
        self.made_own(anchor, entity, records, writes)
    }

    /// Returns the write of a group whose record was read, if the change concerns it. A record that
    /// is older than the written version becomes the newer version if it is changed, or if a read
    /// would write it back. No record becomes an older version.
    pub(super) fn rewrite(
        &self,
        key: Key,
        entity: &E,
        target: GroupOf<'_>,
        record: &Record,
        (before, expired_at): (&GroupBefore, Option<Timestamp>),
    ) -> Result<Option<Write>> {
        let schema = &E::SCHEMA.groups[target.group];
        let wanted =
            Wanted { tags: before.has_others(), ..Wanted::VALUE }.unless(Some(&before.encoded.value));
        let version = before.encoded.version;
        let after = encode_at(entity, target.group, version, wanted, &|| self.at(&key))?;
        let expiry = self.new_expiry(entity, schema, expired_at);
        let holds_expiry = schema.adapter().is_some_and(Adapter::has_expiry) && expiry.is_some();
        if after.value == before.encoded.value && !self.is_behind(schema, record) && !holds_expiry {
            if schema.is_plain() && expiry.is_some_and(|expiry| expiry != Expiry::Never) {
                self.check_plain_expiry(&key)?;
            }
            return Ok(expiry.map(|expiry| Write::Touch(key, expiry)));
        }
        let (found, supported) = (record.metadata.version, schema.version);
        if found > supported && (record.metadata.codec != Codec::Json || after.codec != Codec::Json) {
            // A binary value has no names to tell what is known from what is not.
            return Err(Error::TooNew { at: self.at(&key), found, supported });
        }
        let metadata = self.metadata_after(record, after.metadata(), after.version);
        let value = self.value_after(entity, target, before, after, &metadata)?;
        let new = NewRecord::new(value, metadata).with_expiry(expiry.unwrap_or_default());
        let origin = expiry.map_or(Origin::Kept(record.expires_at), |_| Origin::Changed);
        let new = self.formed(&key, schema, new, origin)?;
        Ok(Some(if expiry.is_some() { Write::Put(key, new) } else { Write::Update(key, new) }))
    }

    /// Returns the metadata of a record that is rewritten at a version, or at its own version if
    /// that is newer.
    pub(super) fn metadata_after(&self, record: &Record, new: Metadata, version: u32) -> Metadata {
        if record.metadata.version > version {
            return record.metadata.clone();
        }
        let mut metadata = new;
        metadata.created_at = record.metadata.created_at;
        metadata.migrated_at = record.metadata.migrated_at;
        if record.metadata.version < version {
            metadata.migrated_at = Some(self.info().clock().now());
        }
        metadata.keep_foreign(&record.metadata);
        metadata
    }

    /// Returns when the record expires from now on, or none if its expiry stays. A field sets it
    /// where the closure changed the field, and the collection's TTL sets it with each change.
    /// `before` is what the field said.
    fn new_expiry(&self, entity: &E, schema: &GroupSchema, before: Option<Timestamp>) -> Option<Expiry> {
        let before = before.filter(|_| schema.ttl.is_none());
        match (expires_by_field(entity, schema), self.ttl) {
            (Some(at), _) => (before != Some(at)).then_some(Expiry::At(at)),
            (None, Some(ttl)) => Some(Expiry::After(ttl)),
            (None, None) => before.map(|_| Expiry::Never),
        }
    }
}
