//! Plain records: from what the store has to what steps and codecs read, and back.
//!
//! A store returns a plain record as version 1. Here the version in its value takes that place, so
//! that everything above this file sees an ordinary record.

use std::borrow::Cow;

use kv_store::codec::Codec;
use kv_store::key::Key;
use kv_store::record::{Expiry, LentRecord, Metadata, NewRecord, Record};
use kv_store::store::{Store, StoreExt};
use kv_store::{Error, Location, Result};

use super::{Collection, groups, keys_of_groups};
use crate::adopt::{Form, Plain};
use crate::entity::{GroupSchema, KvEntity};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Whether a record of this entity is anything but what the store returns. Known while compiling,
    /// so that entities without such records have no code for them.
    pub(crate) const ADOPTS: bool = adopts(E::SCHEMA.groups());

    /// Returns the records of one entity with the versions that are in their values.
    pub(crate) fn adopted<'a>(
        &self,
        anchor: &Key,
        records: &'a [Option<Record>],
    ) -> Result<Cow<'a, [Option<Record>]>> {
        if !Self::ADOPTS {
            return Ok(Cow::Borrowed(records));
        }
        let mut adopted = records.to_vec();
        self.adopt_all(std::slice::from_ref(anchor), &mut adopted)?;
        Ok(Cow::Owned(adopted))
    }

    /// The same for the records of several entities, each with all of its groups.
    pub(super) fn adopt_all(&self, anchors: &[Key], records: &mut [Option<Record>]) -> Result<()> {
        if !Self::ADOPTS {
            return Ok(());
        }
        for (anchor, records) in anchors.iter().zip(records.chunks_mut(groups::<E>().len())) {
            for ((schema, key), record) in groups::<E>().iter().zip(keys_of_groups::<E>(anchor)).zip(records)
            {
                if let Some(record) = record {
                    adopt(schema, record, &|| self.at(&key))?;
                }
            }
        }
        Ok(())
    }

    /// The same for the only record of an entity.
    pub(crate) fn adopt_only(&self, record: &mut Record, at: &dyn Fn() -> Box<Location>) -> Result<()> {
        match groups::<E>().first() {
            Some(schema) if Self::ADOPTS => adopt(schema, record, at),
            _ => Ok(()),
        }
    }

    /// Makes the record that is written of a group: in an envelope with its metadata, or plain. Checks
    /// it against the store's limits.
    pub(super) fn formed(
        &self,
        key: &Key,
        schema: &GroupSchema,
        record: NewRecord,
        is_new: bool,
    ) -> Result<NewRecord> {
        let record = match schema.form() {
            Form::Enveloped => record,
            Form::Plain(plain) => self.plain(key, plain, record, is_new)?,
        };
        self.checked(key, record)
    }

    /// Makes what writes a record again as the group's records are written.
    pub(super) fn same(
        &self,
        key: &Key,
        schema: &GroupSchema,
        record: &Record,
        expiry: Expiry,
    ) -> Result<NewRecord> {
        let same = NewRecord::new(record.value.0.clone(), record.metadata.clone());
        self.formed(key, schema, same.with_expiry(expiry), false)
    }

    fn plain(&self, key: &Key, plain: &Plain, record: NewRecord, is_new: bool) -> Result<NewRecord> {
        let capabilities = self.store().capabilities();
        let unsupported = |capability| Error::Unsupported { at: self.at(key), capability };
        if !capabilities.plain_records {
            return Err(unsupported("plain records, which it would have to keep without metadata"));
        }
        if record.expiry != Expiry::Never {
            self.check_plain_expiry(key)?;
        }
        let version = record.metadata.version;
        let value = match plain.version_in {
            None if version == 1 => record.value.0,
            None => return Err(unsupported("a plain record of a later version than 1 without `version_in`")),
            Some(at) => {
                let encode = |what: String| Error::Encode {
                    at: self.at(key),
                    codec: Codec::Json,
                    source: crate::codec::CodecError::new(what),
                };
                let text = std::str::from_utf8(&record.value).map_err(|error| encode(error.to_string()))?;
                match at.write(text, version, is_new).map_err(encode)? {
                    Cow::Borrowed(_) => record.value.0,
                    Cow::Owned(text) => text.into(),
                }
            }
        };
        let mut new = NewRecord::plain(value).with_expiry(record.expiry);
        new.metadata.keep_foreign(&record.metadata);
        Ok(new)
    }

    /// Fails if a plain record cannot expire in this store.
    pub(super) fn check_plain_expiry(&self, key: &Key) -> Result<()> {
        if self.store().capabilities().plain_expiry {
            return Ok(());
        }
        let capability = "the expiry of a plain record; take the `ttl` or `expires_at` away, or `plain`";
        Err(Error::Unsupported { at: self.at(key), capability })
    }
}

const fn adopts(groups: &[GroupSchema]) -> bool {
    let mut place = 0;
    while place < groups.len() {
        if groups[place].version_in().is_some() {
            return true;
        }
        place += 1;
    }
    false
}

/// Returns the version of a listed record, which may be in its value. `None` if it has none.
pub(crate) fn version_of(schema: &GroupSchema, record: &LentRecord<'_>) -> Option<u32> {
    match schema.version_in() {
        Some(version_in) if !record.metadata.names_version() => {
            version_in.read(record.value).ok().map(|read| read.version)
        }
        _ => Some(record.metadata.version),
    }
}

/// Gives a plain record the version that is in its value.
fn adopt(schema: &GroupSchema, record: &mut Record, at: &dyn Fn() -> Box<Location>) -> Result<()> {
    let Some(version_in) = schema.version_in().filter(|_| record.is_plain()) else { return Ok(()) };
    let read = version_in.read(&record.value);
    let read = read.map_err(|what| Error::Malformed { at: at(), what: what.into() })?;
    let mut metadata = match read.is_named {
        true => Metadata::new(read.version, Codec::Json),
        false => Metadata::default(),
    };
    metadata.version = read.version;
    metadata.keep_foreign(&record.metadata);
    record.metadata = metadata;
    Ok(())
}
