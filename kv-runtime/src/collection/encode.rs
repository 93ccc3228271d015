//! Encodes an entity to records, within the store's limits, at the version that is written.

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord};
use kv_store::store::{Limits, Store, StoreExt};
use kv_store::{BoxError, Error, Location, Result, Timestamp};
use serde::{Serialize, Serializer};

use super::proof::prove;
use super::{Collection, groups};
use crate::codec::{self, Asked, Codec, CodecError, Members, Tagged};
use crate::entity::{GroupSchema, KvEntity, PreviousVisitor};
use crate::migrate::bring_down;

thread_local! {
    /// The buffer for values whose length is not known yet. A value is then copied into one
    /// allocation of its length.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A longer value keeps the buffer that it was written in.
const KEPT_SCRATCH: usize = 16 << 10;

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

/// The purpose of an encoding.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// To be stored, so a value that would not be read back is refused. Otherwise it is only
    /// compared.
    pub(super) is_stored: bool,
    /// To be merged with the stored text, which needs the tags of enums.
    pub(super) tags: bool,
    /// A value that is likely equal. If it is, it is shared.
    pub(super) unless: Option<&'a Bytes>,
}

impl<'a> Wanted<'a> {
    /// To be stored unchanged.
    pub(super) const VALUE: Self = Self { is_stored: true, tags: false, unless: None };
    /// To be compared with the stored value.
    pub(super) const COMPARISON: Self = Self { is_stored: false, ..Self::VALUE };
    /// To be merged with the stored value.
    pub(super) const TAGS: Self = Self { tags: true, ..Self::COMPARISON };

    pub(super) const fn unless(self, likely: Option<&'a Bytes>) -> Self {
        Self { unless: likely, ..self }
    }
}

impl Encoded {
    /// Encodes a group's value at a version, in the codec of that version.
    pub(super) fn new(value: Bytes, schema: &GroupSchema, version: u32) -> Self {
        let (codec, oldest_reader) = (schema.codec(), schema.oldest_reader(version));
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
    /// Encodes one group at a version. `group` is its index in the schema.
    pub(super) fn encode(
        &self,
        key: &Key,
        entity: &E,
        group: usize,
        version: u32,
        wanted: Wanted<'_>,
    ) -> Result<Encoded> {
        encode_at(entity, group, version, wanted, &|| self.at(key))
    }

    /// Makes a new record of one group, checked against the store's limits.
    pub(super) fn new_record(
        &self,
        key: &Key,
        entity: &E,
        group: usize,
        now: Timestamp,
    ) -> Result<NewRecord> {
        let schema = &groups::<E>()[group];
        let version = schema.write_version();
        let encoded = self.encode(key, entity, group, version, Wanted::VALUE)?;
        let metadata = encoded.metadata().with_created_at(Some(now));
        let record = NewRecord::new(encoded.value, metadata).with_expiry(self.expiry(entity, schema));
        self.checked(key, record)
    }

    /// Returns when a record of this group expires that is written now.
    pub(super) fn expiry(&self, entity: &E, schema: &GroupSchema) -> Expiry {
        match expires_by_field(entity, schema) {
            Some(at) => Expiry::At(at),
            None => self.ttl_of(schema).map_or(Expiry::Never, Expiry::After),
        }
    }

    /// Returns when the first group of an entity expires that is written now.
    #[cfg(feature = "cache")]
    pub(crate) fn expires_at(&self, entity: &E, now: Timestamp) -> Option<Timestamp> {
        groups::<E>().iter().filter_map(|schema| self.expiry(entity, schema).at(now)).min()
    }

    pub(super) fn ttl_of(&self, schema: &GroupSchema) -> Option<Duration> {
        self.ttl.or(schema.ttl())
    }

    /// Checks the record against the limits. Metadata may lose members that can be omitted.
    pub(super) fn checked(&self, key: &Key, mut record: NewRecord) -> Result<NewRecord> {
        check(&self.store().capabilities().limits, key, &mut record, &|| self.at(key))?;
        Ok(record)
    }

    /// Fails if the key is longer than the store allows.
    pub(super) fn check_key(&self, key: &Key) -> Result<()> {
        check_key(&self.store().capabilities().limits, key, &|| self.at(key))
    }

    pub(super) fn check_ttl(&self, key: &Key, ttl: Duration) -> Result<()> {
        check_ttl(&self.store().capabilities().limits, ttl, &|| self.at(key))
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
    let schema = &groups::<E>()[group];
    let (codec, oldest_reader) = (schema.codec(), schema.oldest_reader(version));
    let encode_error = |source| Error::Encode { at: at(), codec, source };
    let value = Group { entity, group };
    if version == schema.version() {
        let Written { value, tags, is_doubtful } =
            encode_wanted(codec, &value, wanted).map_err(encode_error)?;
        if wanted.is_stored && codec::needs_proof(codec, value.len(), is_doubtful) {
            prove(entity, group, codec, &value).map_err(encode_error)?;
        }
        return Ok(Encoded { value, codec, version, oldest_reader, tags });
    }
    if let Some(encoded) = entity.as_previous(group, version, AtVersion { version, schema, wanted, at }) {
        return encoded;
    }
    let today = codec::encode_tagged(&value).map_err(encode_error)?;
    let mut members = Members::read(today.text.as_bytes()).map_err(encode_error)?;
    bring_down(schema.steps(), &mut members, version).map_err(|failed| failed.into_error(at()))?;
    let older = members.into_tagged(&today);
    Ok(Encoded { value: older.text.into(), codec: Codec::Json, version, oldest_reader, tags: older.tags })
}

/// Returns a value in one allocation of its length.
pub(super) fn encode_exactly<T: Serialize>(
    codec: Codec,
    value: &T,
) -> std::result::Result<Bytes, CodecError> {
    encode_wanted(codec, value, Wanted::VALUE).map(|written| written.value)
}

/// A value that was written.
struct Written {
    value: Bytes,
    tags: Vec<usize>,
    is_doubtful: bool,
}

/// Returns a value in one allocation of its length, or the known value, and the offsets of its
/// tags.
fn encode_wanted<T: Serialize>(
    codec: Codec,
    value: &T,
    wanted: Wanted<'_>,
) -> std::result::Result<Written, CodecError> {
    // Taken rather than borrowed: a field's own serialization may encode something, too.
    let scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if codec != Codec::Json {
        let value = codec::encode(codec, value, scratch).map(kept)?;
        return Ok(Written { value, tags: Vec::new(), is_doubtful: false });
    }
    let unless = wanted.unless.map(|likely| &likely[..]);
    let json = codec::encode_json(value, Asked { out: scratch, unless, tags: wanted.tags })?;
    let (written, is_doubtful) = (kept(json.out), json.is_doubtful);
    let value = wanted.unless.filter(|_| json.is_expected).cloned().unwrap_or(written);
    Ok(Written { value, tags: json.tags, is_doubtful })
}

/// Returns the value that was written, and frees the buffer for the next one.
fn kept(mut written: Vec<u8>) -> Bytes {
    if written.len() > KEPT_SCRATCH {
        return Bytes::from(written);
    }
    let value = if written.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(&written) };
    written.clear();
    // A thread that ends has none to keep.
    SCRATCH.try_with(|scratch| scratch.set(written)).unwrap_or_default();
    value
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
        let (from, to) = (self.schema.version(), self.version);
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
    if schema.ttl().is_none() { entity.expires_at() } else { None }
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

/// One group of an entity, as serde sees it.
pub(super) struct Group<'a, E> {
    pub(super) entity: &'a E,
    pub(super) group: usize,
}

impl<E: KvEntity> Serialize for Group<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.entity.serialize_group(self.group, serializer)
    }
}
