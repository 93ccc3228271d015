//! What a change of an entity writes: the groups that it changed, with all that this code does not know of them.

use bytes::Bytes;
use serde_json::Value;

use super::encode::expires_by_field;
use super::{Collection, groups, keys_of_groups};
use crate::codec::{self, Codec};
use crate::entity::KvEntity;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::migrate::merge;
use crate::record::{Expiry, NewRecord, Record};
use crate::store::{Store, Write};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// The values that were read of groups which are absent, so that they stay absent unless they are changed, or newer, so that the
    /// change alone is written.
    pub(super) fn values_before(
        &self,
        key: &Key,
        entity: &E,
        records: &[Option<Record>],
    ) -> Result<Vec<Option<Bytes>>> {
        let values = groups::<E>().iter().zip(records).enumerate().map(|(group, (schema, record))| {
            let version = match record {
                Some(record) if record.metadata.version <= schema.version() => return Ok(None),
                Some(_) => schema.version(),
                None => schema.write_version(),
            };
            self.encode(key, entity, group, version).map(|encoded| Some(encoded.value))
        });
        values.collect()
    }

    /// What it takes to bring the records to the changed entity. `before` holds the values of groups that were absent
    /// or newer.
    pub(super) fn writes_of_change(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        before: &[Option<Bytes>],
    ) -> Result<Vec<Write>> {
        let mut writes = Vec::new();
        for (group, key) in keys_of_groups::<E>(anchor).enumerate() {
            let was = before.get(group).and_then(Option::as_deref);
            match records.get(group).and_then(Option::as_ref) {
                Some(record) => writes.extend(self.rewrite(key, entity, group, record, was)?),
                None => {
                    let record = self.new_record(&key, entity, group, self.store().clock().now())?;
                    if was != Some(&*record.value) {
                        writes.push(Write::Put(key, record));
                    }
                }
            }
        }
        self.made_own(anchor, entity, records, writes)
    }

    /// The write of a group whose record was read, if anything of it changes. A record that is older than what is written becomes the
    /// newer version; none becomes an older one.
    fn rewrite(
        &self,
        key: Key,
        entity: &E,
        group: usize,
        record: &Record,
        before: Option<&[u8]>,
    ) -> Result<Option<Write>> {
        let schema = &groups::<E>()[group];
        let found = record.metadata.version;
        let (value, metadata) = match before {
            Some(before) if found > schema.version() => {
                let value = self.merged(&key, entity, group, record, before)?;
                (value, record.metadata.clone())
            }
            _ => {
                let version = found.max(schema.write_version());
                let encoded = self.encode(&key, entity, group, version)?;
                let mut metadata = encoded.metadata();
                metadata.created_at = record.metadata.created_at;
                metadata.migrated_at = record.metadata.migrated_at;
                if found < version {
                    metadata.migrated_at = Some(self.store().clock().now());
                }
                metadata.keep_foreign(&record.metadata);
                (encoded.value, metadata)
            }
        };
        // A field or a TTL of the collection's own says anew when the record expires; otherwise what stands there stays.
        let expiry = match (expires_by_field(entity, schema), self.ttl) {
            (Some(at), _) if record.expires_at == Some(at) => None,
            (Some(at), _) => Some(Expiry::At(at)),
            (None, Some(ttl)) => Some(Expiry::After(ttl)),
            (None, None) if E::EXPIRES_BY_FIELD && schema.ttl().is_none() && record.expires_at.is_some() => {
                Some(Expiry::Never)
            }
            (None, None) => None,
        };
        let same = record.metadata.codec == metadata.codec
            && found == metadata.version
            && record.value[..] == value[..];
        if expiry.is_none() && same {
            return Ok(None);
        }
        let new = NewRecord::new(value, metadata).with_expiry(expiry.unwrap_or_default());
        let new = self.checked(&key, new)?;
        Ok(Some(if expiry.is_some() { Write::Put(key, new) } else { Write::Update(key, new) }))
    }

    /// The newer record's value with this code's change in it: what this code does not know stays.
    fn merged(&self, key: &Key, entity: &E, group: usize, record: &Record, before: &[u8]) -> Result<Bytes> {
        let schema = &groups::<E>()[group];
        let (codec, found) = (record.metadata.codec, record.metadata.version);
        if codec != Codec::Json || schema.codec() != Codec::Json {
            // A binary value has no names to tell what is known from what is not.
            return Err(Error::TooNew { at: self.at(key), found, supported: schema.version() });
        }
        let after = self.encode(key, entity, group, schema.version())?.value;
        let parsed = |bytes: &[u8]| {
            codec::decode::<Value>(codec, bytes).map_err(|source| Error::Decode {
                at: self.at(key),
                codec,
                source,
            })
        };
        let mut standing = parsed(&record.value)?;
        merge(&mut standing, &parsed(before)?, &parsed(&after)?);
        codec::encode(codec, &standing, Vec::new()).map(Bytes::from).map_err(|source| Error::Encode {
            at: self.at(key),
            codec,
            source,
        })
    }
}
