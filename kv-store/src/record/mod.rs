//! Records: what a store holds under one key.
//!
//! `metadata` (version, codec and times of a value), `revision` (the token that compare-and-swap
//! compares), `envelope` (how a store without metadata keeps both in front of the value).

pub mod envelope;
mod foreign;
mod metadata;
mod revision;

use std::time::Duration;

use bytes::Bytes;

use crate::timestamp::Timestamp;

pub use metadata::{Metadata, MetadataError};
#[doc(hidden)]
pub use metadata::{json_len, read_time};
pub use revision::Revision;

/// A record that a store returned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The value in the codec that the metadata names.
    pub value: Value,
    /// The metadata of the value: version, codec, times.
    pub metadata: Metadata,
    /// When the record expires, as far as the store knows.
    pub expires_at: Option<Timestamp>,
    /// Whether `expires_at` is known. Some servers do not return a record's expiry when the record
    /// is read. Then this is `false` and `expires_at` is `None`, although the record may expire.
    /// A read of [`GetOptions::head`](crate::store::GetOptions::head) returns the expiry. A caller that rewrites the
    /// record and keeps its expiry must ask for it first.
    pub expiry_known: bool,
    /// The token of this state of the record.
    pub revision: Revision,
}

// Every read moves it several times; from 128 bytes on by a call.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Record>() <= 128);

impl Record {
    /// Makes a record without expiry.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, metadata: Metadata, revision: Revision) -> Self {
        Self { value: Value(value.into()), metadata, expires_at: None, expiry_known: true, revision }
    }

    /// Returns the record with this expiry.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Returns whether it is a value without a version: another program wrote it, or it was written
    /// as a [plain](NewRecord::plain) record.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        !self.metadata.names_version()
    }

    /// Returns the record without its expiry, which the read did not return.
    #[must_use]
    pub fn with_unknown_expiry(mut self) -> Self {
        self.expires_at = None;
        self.expiry_known = false;
        self
    }
}

/// A value and its metadata, without a copy: what it takes to decode a record.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RecordRef<'a> {
    /// The value in the codec that the metadata names.
    pub value: &'a [u8],
    /// The metadata of the value: version, codec, times.
    pub metadata: &'a Metadata,
}

impl<'a> RecordRef<'a> {
    /// Makes a record of a value and its metadata.
    #[must_use]
    pub const fn new(value: &'a [u8], metadata: &'a Metadata) -> Self {
        Self { value, metadata }
    }
}

impl<'a> From<&'a Record> for RecordRef<'a> {
    fn from(record: &'a Record) -> Self {
        Self { value: &record.value, metadata: &record.metadata }
    }
}

/// Shows the length of the value, and not the value, as [`Value`] does.
impl std::fmt::Debug for RecordRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordRef")
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("metadata", self.metadata)
            .finish()
    }
}

/// A record that a list lends, without a copy.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct LentRecord<'a> {
    /// The value in the codec that the metadata names.
    pub value: &'a [u8],
    /// The metadata of the value: version, codec, times.
    pub metadata: &'a Metadata,
    /// When the record expires, as far as the store knows.
    pub expires_at: Option<Timestamp>,
    /// Whether `expires_at` is known: [`Record::expiry_known`].
    pub expiry_known: bool,
    /// The number that is its revision. Without one, the value itself is.
    token: Option<u64>,
    /// The value as the store holds it, if it can share it.
    shared: Option<&'a Bytes>,
}

impl<'a> LentRecord<'a> {
    /// Makes a record without expiry. Its revision is the number `token`, or the value if there is
    /// none.
    #[must_use]
    pub const fn new(value: &'a [u8], metadata: &'a Metadata, token: Option<u64>) -> Self {
        Self { value, metadata, expires_at: None, expiry_known: true, token, shared: None }
    }

    /// Returns the record with this expiry.
    #[must_use]
    pub const fn with_expires_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// As [`new`](Self::new), where the store can share the value.
    pub(crate) const fn shared(
        value: &'a [u8],
        metadata: &'a Metadata,
        token: Option<u64>,
        shared: Option<&'a Bytes>,
    ) -> Self {
        Self { shared, ..Self::new(value, metadata, token) }
    }

    /// Returns the record, whose expiry the store knows or not.
    pub(crate) const fn with_expiry_known(mut self, expiry_known: bool) -> Self {
        self.expiry_known = expiry_known;
        self
    }

    /// Returns the number that is its revision.
    pub(crate) const fn token(&self) -> Option<u64> {
        self.token
    }

    /// Returns the value, if the store can share it.
    pub(crate) fn shared_value(&self) -> Option<Bytes> {
        self.shared.cloned()
    }

    /// Returns the value and its metadata.
    #[must_use]
    pub const fn as_ref(self) -> RecordRef<'a> {
        RecordRef { value: self.value, metadata: self.metadata }
    }

    /// Returns the record. Copies the value unless the store can share it.
    #[must_use]
    pub fn to_record(self) -> Record {
        self.to_record_by(Bytes::copy_from_slice)
    }

    /// Returns the record, whose value `copy` copies unless the store can share it.
    pub(crate) fn to_record_by(self, copy: impl FnOnce(&[u8]) -> Bytes) -> Record {
        let value = self.shared.cloned().unwrap_or_else(|| copy(self.value));
        let revision = match self.token {
            Some(token) => Revision::from_token(token),
            None => Revision::from_plain(value.clone()),
        };
        Record {
            value: Value(value),
            metadata: self.metadata.clone(),
            expires_at: self.expires_at,
            expiry_known: self.expiry_known,
            revision,
        }
    }
}

impl<'a> From<&'a Record> for LentRecord<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            value: &record.value,
            metadata: &record.metadata,
            expires_at: record.expires_at,
            expiry_known: record.expiry_known,
            token: record.revision.token(),
            shared: Some(&record.value.0),
        }
    }
}

/// Shows the length of the value, and not the value, as [`Value`] does.
impl std::fmt::Debug for LentRecord<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.as_ref(), f)
    }
}

/// A record without its value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Head {
    /// The metadata of the value: version, codec, times.
    pub metadata: Metadata,
    /// When the record expires, as far as the store knows.
    pub expires_at: Option<Timestamp>,
}

impl Head {
    /// Makes the head of a record.
    #[must_use]
    pub fn new(metadata: Metadata, expires_at: Option<Timestamp>) -> Self {
        Self { metadata, expires_at }
    }
}

/// What a read of [`GetOptions::head`](crate::store::GetOptions::head) returns: a record without its
/// value, whose revision is of no use.
impl From<Head> for Record {
    fn from(head: Head) -> Self {
        Self::new(Bytes::new(), head.metadata, Revision::from_token(0)).with_expires_at(head.expires_at)
    }
}

impl From<Record> for Head {
    fn from(record: Record) -> Self {
        Self { metadata: record.metadata, expires_at: record.expires_at }
    }
}

/// A record to be written. The store gives it a new revision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewRecord {
    /// The value in the codec that the metadata names.
    pub value: Value,
    /// The metadata of the value: version, codec, times.
    pub metadata: Metadata,
    /// When the record expires.
    pub expiry: Expiry,
    /// Whether the store keeps the value alone, so that other programs can read it:
    /// [`plain`](Self::plain).
    pub is_plain: bool,
}

impl NewRecord {
    /// Makes a record without expiry.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, metadata: Metadata) -> Self {
        Self { value: Value(value.into()), metadata, expiry: Expiry::Never, is_plain: false }
    }

    /// Makes a plain record without expiry: the store keeps the value alone, as another program
    /// would write it. It is read as version 1 in JSON.
    ///
    /// The store drops the metadata; one that keeps metadata apart from the value keeps its foreign
    /// members. It must have [`Capabilities::plain_records`](crate::store::Capabilities), and
    /// [`plain_expiry`](crate::store::Capabilities) if the record expires. The value must not begin
    /// with the byte FF, which marks an [envelope].
    ///
    /// ```
    /// # extern crate kv_runtime_store as kv_runtime;
    /// use kv_runtime::key::Key;
    /// use kv_runtime::record::NewRecord;
    /// use kv_runtime::store::{MemoryStore, StoreExt};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let (store, key) = (MemoryStore::new(), Key::from_text("customer:17"));
    /// store.put(key.clone(), NewRecord::plain(r#"{"name":"Ada"}"#)).await?;
    /// let record = store.read(&key).await?.ok_or("is there")?;
    /// assert!(record.is_plain());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn plain(value: impl Into<Bytes>) -> Self {
        Self { is_plain: true, ..Self::new(value, Metadata::default()) }
    }

    /// Makes a record that writes `record` again: the same value and metadata, plain if that is
    /// plain, without expiry.
    #[must_use]
    pub fn same_as(record: &Record) -> Self {
        let new = Self::new(record.value.0.clone(), record.metadata.clone());
        Self { is_plain: record.is_plain(), ..new }
    }

    /// Returns the record with this expiry.
    #[must_use]
    pub fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }
}

/// When a record expires. A duration is passed to the store, whose clock then decides.
///
/// It is exhaustive on purpose: a store has to know every way in which a record expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// It does not expire.
    #[default]
    Never,
    /// This long after the write, by the store's clock.
    After(Duration),
    /// In a [`Touch`](crate::store::Write::Touch): this long after the write, unless the record
    /// lives longer already. In any other write it is [`After`](Self::After).
    AtLeast(Duration),
    /// At this moment. If it has passed, the write deletes the record.
    At(Timestamp),
}

impl Expiry {
    /// Returns the moment, for a write at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::After(ttl) | Self::AtLeast(ttl) => Some(now.saturating_add(ttl)),
            Self::At(at) => Some(at),
        }
    }

    /// Returns the moment for a touch at `now`, of a record that expires at `standing`. `None` is
    /// never.
    #[must_use]
    pub fn touched(self, standing: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match (self, standing) {
            (Self::AtLeast(_), None) => None,
            (Self::AtLeast(ttl), Some(standing)) => Some(standing.max(now.saturating_add(ttl))),
            (expiry, _) => expiry.at(now),
        }
    }
}

/// The bytes of a value. `Debug` shows only their number, because a value may be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Value(pub Bytes);

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl From<Value> for Bytes {
    fn from(value: Value) -> Self {
        value.0
    }
}

impl std::ops::Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
