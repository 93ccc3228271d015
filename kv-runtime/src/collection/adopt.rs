//! Plain records: from what the store has to what steps and codecs read, and back.
//!
//! A store returns a plain record as version 1. Here the version in its value takes that place, and an
//! adapter converts its bytes. So everything above this file sees an ordinary record.

use std::borrow::Cow;

use bytes::Bytes;
use kv_store::__private::{is_foreign, taken};
use kv_store::codec::Codec;
use kv_store::key::Key;
use kv_store::record::{Expiry, LentRecord, Metadata, NewRecord, Record};
use kv_store::store::Store;
use kv_store::{Error, Location, Result, Timestamp};

use super::{Collection, keys_of_groups};
use crate::adopt::{Adapter, Adopted, Form, Plain};
use crate::codec::CodecError;
use crate::entity::{GroupSchema, KvEntity};
use crate::migrate::guarded;

/// Where a record that is written comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The entity alone.
    New,
    /// A record that was read and gets another expiry.
    Changed,
    /// A record that was read, and keeps this expiry.
    Kept(Option<Timestamp>),
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Whether a record of this entity is anything but what the store returns. Known while compiling,
    /// so that entities without such records have no code for them.
    pub(crate) const ADOPTS: bool = Forms::of(E::SCHEMA.groups).adopts;

    /// Whether any group is plain.
    const HAS_PLAIN: bool = Forms::of(E::SCHEMA.groups).has_plain;

    /// Whether keys are those of other programs.
    const HAS_FOREIGN_KEYS: bool = is_foreign(E::SCHEMA.ids);

    /// Fails if the store or this library does not take the key of another program, or a list of such
    /// keys, of which `key` is the prefix.
    #[inline]
    pub(crate) fn check_foreign(&self, key: &Key, is_prefix: bool) -> Result<()> {
        if Self::HAS_FOREIGN_KEYS { self.check_foreign_key(key, is_prefix) } else { Ok(()) }
    }

    #[cold]
    fn check_foreign_key(&self, key: &Key, is_prefix: bool) -> Result<()> {
        let refusal = match self.info().capabilities().foreign_keys {
            false => Some(
                "keys of other programs, because it spells or lists keys in its own way: turn `hash_tags` and `list_index` off",
            ),
            true if is_prefix => None,
            true => taken(key.as_str()),
        };
        refusal.map_or(Ok(()), |capability| Err(Error::Unsupported { at: self.at(key), capability }))
    }

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
    pub(super) fn adopt_all<'k>(
        &self,
        anchors: impl IntoIterator<Item = &'k Key>,
        records: &mut [Option<Record>],
    ) -> Result<()> {
        if !Self::ADOPTS {
            return Ok(());
        }
        for (anchor, records) in anchors.into_iter().zip(records.chunks_mut(E::SCHEMA.groups.len())) {
            for ((schema, key), record) in
                E::SCHEMA.groups.iter().zip(keys_of_groups::<E>(anchor)).zip(records)
            {
                if let Some(found) = record
                    && !self.adopt(schema, &key, found)?
                {
                    *record = None;
                }
            }
        }
        Ok(())
    }

    /// The same for the only record of an entity. Returns whether it has not expired.
    pub(crate) fn adopt_only(&self, key: &Key, record: &mut Record) -> Result<bool> {
        match E::SCHEMA.groups.first() {
            Some(schema) if Self::ADOPTS => self.adopt(schema, key, record),
            _ => Ok(true),
        }
    }

    /// The same where it lies: to move it costs every read something.
    pub(super) fn adopt_found(&self, key: &Key, found: &mut Result<Option<Record>>) {
        if let Ok(Some(record)) = found {
            match self.adopt_only(key, record) {
                Ok(true) => {}
                Ok(false) => *found = Ok(None),
                Err(error) => *found = Err(error),
            }
        }
    }

    fn adopt(&self, schema: &GroupSchema, key: &Key, record: &mut Record) -> Result<bool> {
        if !record.is_plain() {
            return Ok(true);
        }
        let mut version = None;
        if let Some(adapter) = schema.adapter() {
            let read = adapted(adapter, key.as_str(), &record.value, &|| self.at(key))?;
            if let Some(at) = read.expires_at {
                if at <= self.info().clock().now() {
                    return Ok(false);
                }
                record.expires_at = Some(record.expires_at.map_or(at, |known| known.min(at)));
            }
            record.value.0 = read.json;
            version = read.version.filter(|_| adapter.has_version());
        }
        if let Some(version_in) = schema.version_in() {
            let read = version_in.read(&record.value);
            let read = read.map_err(|what| Error::Malformed { at: self.at(key), what: what.into() })?;
            version = Some(read.version).filter(|_| read.is_named);
            record.metadata.version = read.version;
        }
        if let Some(version) = version {
            let mut metadata = Metadata::new(version, Codec::Json);
            metadata.keep_foreign(&record.metadata);
            record.metadata = metadata;
        }
        Ok(true)
    }

    /// Makes the record that is written of a group: in an envelope with its metadata, or plain. Checks
    /// it against the store's limits.
    pub(super) fn formed(
        &self,
        key: &Key,
        schema: &GroupSchema,
        record: NewRecord,
        origin: Origin,
    ) -> Result<NewRecord> {
        let record = match &schema.form {
            Form::Plain(plain) if Self::HAS_PLAIN => self.plain(key, plain, record, origin)?,
            _ => record,
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
        self.formed(key, schema, same.with_expiry(expiry), Origin::Changed)
    }

    fn plain(&self, key: &Key, plain: &Plain, record: NewRecord, origin: Origin) -> Result<NewRecord> {
        let capabilities = self.info().capabilities();
        let unsupported = |capability| Error::Unsupported { at: self.at(key), capability };
        if !capabilities.plain_records {
            return Err(unsupported("plain records, which it would have to keep without metadata"));
        }
        if record.expiry != Expiry::Never {
            self.check_plain_expiry(key)?;
        }
        let version = record.metadata.version;
        let has_version = plain.adapter.is_some_and(Adapter::has_version);
        let value = match plain.version_in {
            None if version == 1 || has_version => record.value.0,
            None => return Err(unsupported("a plain record of a later version than 1 without `version_in`")),
            Some(at) => {
                let encode = |what| self.unencoded(key, CodecError::new(what));
                let text = std::str::from_utf8(&record.value).map_err(|error| encode(error.to_string()))?;
                match at.write(text, version, matches!(origin, Origin::New)).map_err(encode)? {
                    Cow::Borrowed(_) => record.value.0,
                    Cow::Owned(text) => text.into(),
                }
            }
        };
        let value = match plain.adapter {
            None => value,
            Some(adapter) => {
                let expires_at = match origin {
                    Origin::Kept(at) => at,
                    Origin::New | Origin::Changed => record.expiry.at(self.info().clock().now()),
                };
                let adopted = Adopted { json: value, version: Some(version), expires_at };
                self.unadapted(key, adapter, &adopted)?
            }
        };
        let mut new = NewRecord::plain(value).with_expiry(record.expiry);
        new.metadata.keep_foreign(&record.metadata);
        Ok(new)
    }

    /// Returns the bytes that an adapter makes of a value.
    fn unadapted(&self, key: &Key, adapter: &dyn Adapter, value: &Adopted) -> Result<Bytes> {
        match guarded(|| adapter.write(key.as_str(), value)) {
            Ok(stored) => Ok(stored.into()),
            Err(error) => {
                Err(self.unencoded(key, CodecError::new(format!("the adapter {adapter:?}: {error}"))))
            }
        }
    }

    fn unencoded(&self, key: &Key, source: CodecError) -> Error {
        Error::Encode { at: self.at(key), codec: Codec::Json, source }
    }

    /// Fails if the store alone cannot set the expiry of a group's records.
    pub(super) fn check_touch(&self, key: &Key, schema: &GroupSchema) -> Result<()> {
        if Self::ADOPTS && schema.adapter().is_some_and(Adapter::has_expiry) {
            let capability = "touching a record whose value holds its expiry; update it `with_ttl`";
            return Err(Error::Unsupported { at: self.at(key), capability });
        }
        if Self::HAS_PLAIN && schema.is_plain() { self.check_plain_expiry(key) } else { Ok(()) }
    }

    /// Fails if a plain record cannot expire in this store.
    pub(super) fn check_plain_expiry(&self, key: &Key) -> Result<()> {
        if self.info().capabilities().plain_expiry {
            return Ok(());
        }
        let capability = "the expiry of a plain record; remove the `ttl` or `expires_at`, or `plain`";
        Err(Error::Unsupported { at: self.at(key), capability })
    }
}

/// How any of an entity's groups is stored.
struct Forms {
    has_plain: bool,
    adopts: bool,
}

impl Forms {
    const fn of(groups: &[GroupSchema]) -> Self {
        let mut forms = Self { has_plain: false, adopts: false };
        let mut index = 0;
        while index < groups.len() {
            let group = &groups[index];
            forms.has_plain |= group.is_plain();
            forms.adopts |= group.version_in().is_some() || group.adapter().is_some();
            index += 1;
        }
        forms
    }
}

/// Returns the version of a listed record, which may be in its value. `None` if it has none.
pub(crate) fn version_of(schema: &GroupSchema, key: &str, record: &LentRecord<'_>) -> Option<u32> {
    if record.metadata.names_version() {
        return Some(record.metadata.version);
    }
    let mut version = record.metadata.version;
    let mut value = Bytes::new();
    if let Some(adapter) = schema.adapter() {
        let read = adapted(adapter, key, record.value, &Box::default).ok()?;
        version = read.version.unwrap_or(version);
        value = read.json;
    }
    match schema.version_in() {
        Some(at) if schema.adapter().is_some() => at.read(&value).ok().map(|read| read.version),
        Some(at) => at.read(record.value).ok().map(|read| read.version),
        None => Some(version),
    }
}

fn adapted(
    adapter: &dyn Adapter,
    key: &str,
    stored: &[u8],
    at: &dyn Fn() -> Box<Location>,
) -> Result<Adopted> {
    guarded(|| adapter.read(key, stored)).map_err(|error| Error::Malformed {
        at: at(),
        what: format!("the adapter {adapter:?}: {error}").into(),
    })
}
