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

use crate::clock::Timestamp;

pub use metadata::{Metadata, MetadataError};
#[cfg(any(feature = "cloudflare", all(feature = "workers", target_arch = "wasm32")))]
pub(crate) use metadata::{json_len, read_time};
pub use revision::Revision;

/// A record as a store gives it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The value in the codec that the metadata names.
    pub value: Value,
    /// The metadata of the value: version, codec, times.
    pub metadata: Metadata,
    /// When it becomes invisible, as far as the store can tell.
    pub expires_at: Option<Timestamp>,
    /// Whether `expires_at` is known. Some servers do not return a record's expiry when the record
    /// is read. Then this is `false` and `expires_at` is `None`, although the record may expire.
    /// [`Store::head`](crate::store::Store::head) returns the expiry. A caller that rewrites the
    /// record and keeps its expiry must ask for it first.
    pub expiry_known: bool,
    /// The token of this state of the record.
    pub revision: Revision,
}

// Every read moves it several times; from 128 bytes on by a call.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Record>() <= 128);

impl Record {
    /// A record without expiry.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, metadata: Metadata, revision: Revision) -> Self {
        Self { value: Value(value.into()), metadata, expires_at: None, expiry_known: true, revision }
    }

    /// With the moment at which it becomes invisible.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Of which the read does not say whether the server lets it expire.
    #[must_use]
    pub fn with_unknown_expiry(mut self) -> Self {
        self.expires_at = None;
        self.expiry_known = false;
        self
    }
}

/// A record where it lies: what a store lends while it lists.
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

/// Of the value it shows the number of bytes alone, as [`Value`] does.
impl std::fmt::Debug for RecordRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordRef")
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("metadata", self.metadata)
            .finish()
    }
}

/// All of a record but its value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Head {
    /// The metadata of the value: version, codec, times.
    pub metadata: Metadata,
    /// When it becomes invisible, as far as the store can tell.
    pub expires_at: Option<Timestamp>,
}

impl Head {
    /// The head of a record.
    #[must_use]
    pub fn new(metadata: Metadata, expires_at: Option<Timestamp>) -> Self {
        Self { metadata, expires_at }
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
    /// When it becomes invisible.
    pub expiry: Expiry,
}

impl NewRecord {
    /// A record without expiry.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, metadata: Metadata) -> Self {
        Self { value: Value(value.into()), metadata, expiry: Expiry::Never }
    }

    /// With an expiry.
    #[must_use]
    pub fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }
}

/// When a record becomes invisible. A duration stays one as far as the store, whose clock then is the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// It stays until it is deleted.
    #[default]
    Never,
    /// This long after the write, by the store's clock.
    After(Duration),
    /// In a [`Touch`](crate::store::Write::Touch): this long after the write, unless the record
    /// lives longer already. In any other write it is [`After`](Self::After).
    AtLeast(Duration),
    /// At this moment; one that has passed makes a write into a delete.
    At(Timestamp),
}

impl Expiry {
    /// The moment, for a write at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::After(ttl) | Self::AtLeast(ttl) => Some(now.saturating_add(ttl)),
            Self::At(at) => Some(at),
        }
    }

    /// The moment for a touch at `now` of a record that expires at `standing`, which is never if
    /// that is `None`.
    #[must_use]
    pub fn touched(self, standing: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match (self, standing) {
            (Self::AtLeast(_), None) => None,
            (Self::AtLeast(ttl), Some(standing)) => Some(standing.max(now.saturating_add(ttl))),
            (expiry, _) => expiry.at(now),
        }
    }
}

/// The bytes of a value. `Debug` shows their number alone: a value may be a secret.
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
