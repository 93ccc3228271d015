//! Encodes an entity to records, within the store's limits, at the version that is written.

use std::time::Duration;

use bytes::Bytes;
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord};
use kv_store::store::{Limits, Store};
use kv_store::{BoxError, Error, Location, Result, Timestamp};

use super::Collection;
use super::adopt::Origin;
use super::group::{Group, Wanted, Written, encode_wanted};
use super::proof::prove;
use crate::codec::{self, Codec, CodecError, Members, Tagged, TaggedText};
use crate::entity::{GroupSchema, KvEntity, PreviousVisitor};
use crate::migrate::bring_down;

/// A value and its codec, which may differ between the group and its predecessor.
#[derive(Clone)]
pub(super) struct Encoded {
    pub(super) value: Bytes,
    pub(super) codec: Codec,
    pub(super) version: u32,
    oldest_reader: u32,
    /// The offsets of the tags of enums in JSON, if they were asked for.
    tags: Vec<usize>,
}

impl Encoded {
    /// Encodes a group's value at a version, in the codec of that version.
    pub(super) fn new(value: Bytes, schema: &GroupSchema, version: u32) -> Self {
        let (codec, oldest_reader) = (schema.codec, schema.oldest_reader(version));
        Self { value, codec, version, oldest_reader, tags: Vec::new() }
    }

    /// Returns the value as JSON that can be merged, or `None` for another codec.
    pub(super) fn as_tagged(&self) -> Option<Tagged<'_>> {
        let text = std::str::from_utf8(&self.value).ok().filter(|_| self.codec == Codec::Json)?;
        Some(Tagged { text, tags: &self.tags })
    }

    /// The metadata of the value. It names the oldest reader if that differs from the version.
    pub(super) fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new(self.version, self.codec);
        metadata.min_reader = Some(self.oldest_reader).filter(|oldest| *oldest != self.version);
        metadata
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Makes a new record of one group, checked against the store's limits.
    pub(super) fn new_record(
        &self,
        key: &Key,
        entity: &E,
        group: usize,
        now: Timestamp,
    ) -> Result<NewRecord> {
        let schema = &E::SCHEMA.groups[group];
        let version = schema.write_version;
        let encoded = encode_at(entity, group, version, Wanted::VALUE, &|| self.at(key))?;
        let metadata = encoded.metadata().with_created_at(Some(now));
        let record = NewRecord::new(encoded.value, metadata).with_expiry(self.expiry(entity, schema));
        self.formed(key, schema, record, Origin::New)
    }

    /// Returns when a record of this group expires that is written now.
    pub(super) fn expiry(&self, entity: &E, schema: &GroupSchema) -> Expiry {
        match expires_by_field(entity, schema) {
            Some(at) => Expiry::At(at),
            None => self.ttl.or(schema.ttl).map_or(Expiry::Never, Expiry::After),
        }
    }

    /// Returns when the first group of an entity expires that is written now.
    #[cfg(feature = "cache")]
    pub(crate) fn expires_at(&self, entity: &E, now: Timestamp) -> Option<Timestamp> {
        E::SCHEMA.groups.iter().filter_map(|schema| self.expiry(entity, schema).at(now)).min()
    }

    /// Checks the record against the limits. Metadata may lose members that can be omitted.
    pub(super) fn checked(&self, key: &Key, mut record: NewRecord) -> Result<NewRecord> {
        self.check_foreign(key, false)?;
        check(&self.info().capabilities().limits, key, &mut record, &|| self.at(key))?;
        Ok(record)
    }

    /// Fails if the store does not take the key, for its length or its form.
    pub(super) fn check_key(&self, key: &Key) -> Result<()> {
        self.check_foreign(key, false)?;
        check_key(&self.info().capabilities().limits, key, &|| self.at(key))
    }

    pub(super) fn check_ttl(&self, key: &Key, ttl: Duration) -> Result<()> {
        check_ttl(&self.info().capabilities().limits, ttl, &|| self.at(key))
    }
}

/// Encodes the current value, or that of an older version by the steps back to it: the group's own,
/// or those of its predecessor.
pub(super) fn encode_at<E: KvEntity>(
    entity: &E,
    group: usize,
    version: u32,
    wanted: Wanted<'_>,
    at: &dyn Fn() -> Box<Location>,
) -> Result<Encoded> {
    let schema = &E::SCHEMA.groups[group];
    let (codec, oldest_reader) = (schema.codec, schema.oldest_reader(version));
    let is_todays = version == schema.version;
    if !is_todays
        && let Some(encoded) = entity.as_previous(group, version, AtVersion { version, schema, wanted, at })
    {
        return encoded;
    }
    let encode_error = |source| Error::Encode { at: at(), codec, source };
    let value = Group { entity, group };
    // Steps back keep tags, and make another text than the likely one.
    let wanted = if is_todays { wanted } else { Wanted { tags: true, unless: None, ..wanted } };
    let Written { value, tags, is_doubtful } = encode_wanted(codec, &value, wanted).map_err(encode_error)?;
    if wanted.is_stored && codec::needs_proof(codec, value.len(), is_doubtful) {
        prove(entity, group, codec, &value).map_err(encode_error)?;
    }
    if is_todays {
        return Ok(Encoded { value, codec, version, oldest_reader, tags });
    }
    let text =
        String::from_utf8(value.into()).map_err(|_| encode_error(CodecError::new("it is not UTF-8")))?;
    let today = TaggedText { text, tags };
    let mut members = Members::read(today.text.as_bytes()).map_err(encode_error)?;
    let id = entity.id();
    bring_down(schema.steps, &mut members, version, &id).map_err(|failed| failed.into_error(at()))?;
    let older = members.into_tagged(&today);
    Ok(Encoded { value: older.text.into(), codec: Codec::Json, version, oldest_reader, tags: older.tags })
}

struct AtVersion<'a> {
    version: u32,
    schema: &'static GroupSchema,
    wanted: Wanted<'a>,
    at: &'a dyn Fn() -> Box<Location>,
}

impl PreviousVisitor for AtVersion<'_> {
    type Out = Result<Encoded>;

    fn visit<P: KvEntity>(self, previous: Result<P, BoxError>) -> Result<Encoded> {
        let (from, to) = (self.schema.version, self.version);
        let previous = previous.map_err(|source| Error::MigrationFailed {
            at: (self.at)(),
            from,
            to,
            source: source.into(),
        })?;
        encode_at(&previous, 0, self.version, self.wanted, self.at)
    }
}

/// Returns the entity's `expires_at` for a group, unless the group declares a TTL.
pub(super) fn expires_by_field<E: KvEntity>(entity: &E, schema: &GroupSchema) -> Option<Timestamp> {
    if schema.ttl.is_none() { entity.expires_at() } else { None }
}

/// Not generic: one copy serves all entities.
fn check(limits: &Limits, key: &Key, record: &mut NewRecord, at: &dyn Fn() -> Box<Location>) -> Result<()> {
    check_key(limits, key, at)?;
    let (len, max) = (record.value.len(), limits.value);
    if len > max {
        return Err(Error::ValueTooLong { at: at(), len, max });
    }
    record.metadata.shorten_to(limits.metadata).map_err(|len| Error::MetadataTooLong {
        at: at(),
        len,
        max: limits.metadata,
    })?;
    match record.expiry {
        Expiry::After(ttl) | Expiry::AtLeast(ttl) => check_ttl(limits, ttl, at),
        Expiry::Never | Expiry::At(_) => Ok(()),
    }
}

fn check_key(limits: &Limits, key: &Key, at: &dyn Fn() -> Box<Location>) -> Result<()> {
    let (len, max) = (key.len(), limits.key);
    if len > max { Err(Error::KeyTooLong { at: at(), len, max }) } else { Ok(()) }
}

fn check_ttl(limits: &Limits, ttl: Duration, at: &dyn Fn() -> Box<Location>) -> Result<()> {
    match limits.least_ttl {
        Some(least) if ttl < least => Err(Error::TtlTooShort { at: at(), ttl, least }),
        _ => Ok(()),
    }
}
