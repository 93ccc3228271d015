//! The one error type, and where an error happened.

mod cause;
mod location;
mod place;
mod shown;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use crate::codec::{Codec, CodecError};
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::timer::NoTimer;

pub use cause::{BoxError, ChangeError, SharedError};
pub use location::Location;
pub(crate) use shown::causes;
use shown::{
    also_shown, format_shown, id_shown, load_shown, rest_shown, retry_shown, undecoded_shown, why_shown,
};

/// What went wrong, where, and what to do.
///
/// Every variant but those about a file or a URL tells its [`Location`]: entity, store and key, a secret id as a hash; the store alone where
/// an engine failed a whole batch. The cause, where there is one,
/// is [`source`](std::error::Error::source) and is not printed a second time by `Display`. No variant holds a value. Clones share
/// the cause, so that all callers who waited for one load get the same error.
///
/// `Debug` is for people, too, as a `main` that gives a `Result` prints it: the error as `Display` has it, and a line for each cause.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to change; or an origin has said that there is none, which a loader that gives no `Option` cannot tell.
    #[error("{at}: there is no such record; `put` creates it, and `upsert` changes or creates it")]
    NotFound {
        /// Where.
        at: Box<Location>,
    },

    /// `insert` met a record.
    #[error("{at}: there is a record already; `update` changes it, `put` replaces it")]
    AlreadyExists {
        /// Where.
        at: Box<Location>,
    },

    /// Other writers were faster each time.
    #[error(
        "{at}: another writer came first {attempts} times in a row; nothing was written; try again later"
    )]
    Conflict {
        /// Where.
        at: Box<Location>,
        /// How often it was tried.
        attempts: u32,
    },

    /// What was to be written has another id, which is the key, than what was asked for.
    #[error("{at}: {}", id_shown(.created))]
    IdChanged {
        /// Where: under the id that was asked for.
        at: Box<Location>,
        /// Whether it is what `create` made, and not what `change` changed.
        created: bool,
    },

    /// The anchor is there, and a required group beside it is not.
    #[error(
        "{at}: the required group `{group}` is missing beside its anchor; `put` the whole entity, or mark the group `optional`"
    )]
    Incomplete {
        /// Where: the anchor's key.
        at: Box<Location>,
        /// The group that is missing.
        group: &'static str,
    },

    /// The record was written by newer code, which says that this code cannot read it.
    #[error(
        "{at}: the record has version {found}, and this program reads up to version {supported}; deploy the newer program"
    )]
    TooNew {
        /// Where.
        at: Box<Location>,
        /// The record's version.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
    },

    /// The record is older than anything this program can read.
    #[error(
        "{at}: the record has version {found}, and this program reads from version {oldest} on; read it with an older program"
    )]
    TooOld {
        /// Where.
        at: Box<Location>,
        /// The record's version.
        found: u32,
        /// The oldest version that this program reads.
        oldest: u32,
    },

    /// The record could not be brought from one version to another.
    #[error(
        "{at}: the record could not be migrated from version {from} to {to} and was left as it is; the cause says whether to fix the step or the record"
    )]
    MigrationFailed {
        /// Where.
        at: Box<Location>,
        /// The version that the failing step starts at.
        from: u32,
        /// The version that it leads to.
        to: u32,
        /// Why: the step's own error, or the hook's refusal.
        source: SharedError,
    },

    /// The stored bytes are not what the codec can read as this group.
    ///
    /// The source names the field of the struct if the value is JSON of the current version. It
    /// does not name the path inside that field: the path may lead through a map, whose keys are
    /// application data, and errors show no data.
    #[error("{at}: {}", undecoded_shown(.codec, .source))]
    Decode {
        /// Where.
        at: Box<Location>,
        /// The codec that the record names.
        codec: Codec,
        /// What the codec says, without any part of the value.
        source: CodecError,
    },

    /// The entity cannot be written in this codec.
    #[error("{at}: the entity does not encode as {}; nothing was written", format_shown(.codec))]
    Encode {
        /// Where.
        at: Box<Location>,
        /// The codec of the group.
        codec: Codec,
        /// What the codec says.
        source: CodecError,
    },

    /// A record's frame is damaged: its envelope or its metadata.
    #[error("{at}: the record cannot be read: {what}; it was left as it is, and `put` replaces it")]
    Malformed {
        /// Where.
        at: Box<Location>,
        /// What is wrong with it.
        what: Cow<'static, str>,
    },

    /// The record is not one of this library's, and not plain JSON either: its codec is unknown here.
    #[error(
        "{at}: the record names the codec {codec}, which this program was built without; see the crate's features"
    )]
    UnknownCodec {
        /// Where.
        at: Box<Location>,
        /// The codec's name or number, as the record has it.
        codec: String,
    },

    /// The key is longer than the store takes.
    #[error(
        "{at}: the key has {len} bytes, and the store takes {max}; take a shorter id, such as a hash of this one"
    )]
    KeyTooLong {
        /// Where.
        at: Box<Location>,
        /// Its length in bytes.
        len: usize,
        /// The store's limit in bytes.
        max: usize,
    },

    /// The value is longer than the store takes.
    #[error("{at}: the value has {len} bytes, and the store takes {max}; split it into groups")]
    ValueTooLong {
        /// Where.
        at: Box<Location>,
        /// Its length in bytes.
        len: usize,
        /// The store's limit in bytes.
        max: usize,
    },

    /// The metadata is longer than the store takes, even without what can be spared.
    #[error(
        "{at}: the metadata has {len} bytes, and the store takes {max}; shorten the members that are not ours"
    )]
    MetadataTooLong {
        /// Where.
        at: Box<Location>,
        /// Its length in bytes.
        len: usize,
        /// The store's limit in bytes.
        max: usize,
    },

    /// The store keeps nothing for so short a time.
    #[error("{at}: a TTL of {ttl:?} is below the store's least, {least:?}; ask for that, or for none")]
    TtlTooShort {
        /// Where.
        at: Box<Location>,
        /// What was asked for.
        ttl: Duration,
        /// The store's limit.
        least: Duration,
    },

    /// A write had to keep the record's expiry, and the store could not say what it is.
    #[error(
        "{at}: the store does not know when the record expires, so rewriting it could keep it forever; nothing was written; try again in a minute, or `put` it with an expiry"
    )]
    ExpiryUnknown {
        /// Where.
        at: Box<Location>,
    },

    /// The cursor is not one that this list gave.
    #[error(
        "{at}: the cursor is not of this list; use the one that the list's last page gave, or start without one"
    )]
    InvalidCursor {
        /// Where: the list's prefix.
        at: Box<Location>,
    },

    /// A write of many ended before all of it was done.
    ///
    /// Each place of the batch, counted from 0, is one of three: written if it is below `written`
    /// or in `also`, unknown if it is in `unknown`, and otherwise not written. Such an error is
    /// [retryable](Error::is_retryable) only if nothing is unknown.
    #[error(
        "{at}: the first {written}{} were written; {}",
        also_shown(.also),
        rest_shown(.unknown)
    )]
    Partial {
        /// Where it failed.
        at: Box<Location>,
        /// So many from the start were written.
        written: usize,
        /// The places of further ones that were written.
        also: Vec<usize>,
        /// The places of which it is [unknown](Error::OutcomeUnknown) whether they were written.
        unknown: Vec<usize>,
        /// Why it ended. If something is unknown, it is the reason for that.
        source: Box<Error>,
    },

    /// The store cannot say whether the write took place.
    #[error("{at}: it is unknown whether the write took place; read the record before you write again")]
    OutcomeUnknown {
        /// Where.
        at: Box<Location>,
        /// What happened.
        source: SharedError,
    },

    /// The store does not have what the call needs.
    #[error("{at}: the store cannot do this: {capability}")]
    Unsupported {
        /// Where.
        at: Box<Location>,
        /// What it lacks.
        capability: &'static str,
    },

    /// The call has to wait, for a rate or before a retry, and the store's clock has nothing to wait by.
    #[error("{at}: the call has to wait, and the store's clock has no timer that runs here")]
    NoTimer {
        /// Where.
        at: Box<Location>,
        /// What it takes.
        source: NoTimer,
    },

    /// The store's engine failed, or cannot be opened or reached.
    #[error("{at}: the store failed to {action}{}{}", why_shown(.why), retry_shown(.retryable))]
    Store {
        /// Where.
        at: Box<Location>,
        /// What it was doing.
        action: &'static str,
        /// What stood in the way and what to do about it, where the store can tell.
        why: Option<&'static str>,
        /// Whether the same call may succeed later.
        retryable: bool,
        /// What the engine says.
        source: SharedError,
    },

    /// The origin behind a cache did not give the entity.
    #[error("{at}: the origin failed to load it; nothing was cached; {}", load_shown(.retryable))]
    Load {
        /// Where: the anchor's key.
        at: Box<Location>,
        /// Whether the same call may succeed later: not if the loader gave an entity with another id.
        retryable: bool,
        /// What the loader says. [`SharedError`] derefs to the error itself, for `downcast_ref`.
        source: SharedError,
    },

    /// There was no answer in the time that a cache gives a load, or a [`TimeoutStore`](crate::layer::TimeoutStore) a read.
    #[error("{at}: there was no answer within {limit:?}; a retry may help")]
    TimedOut {
        /// Where.
        at: Box<Location>,
        /// How long was waited.
        limit: Duration,
    },

    /// The file is open in another process, or a second time in this one.
    #[error(
        "{}: the file is open already, in another process or a second time in this one; end that process, or share the one store by clones",
        path.display()
    )]
    AlreadyOpen {
        /// The file.
        path: PathBuf,
    },

    /// The store cannot be set up as it was asked for.
    #[error("{at}: {what}")]
    InvalidOptions {
        /// Where.
        at: Box<Location>,
        /// What is wrong with an option, and what to give instead.
        what: Cow<'static, str>,
    },

    /// The URL leads to no store.
    #[error("`{url}`: {what}")]
    InvalidUrl {
        /// The URL, without what may be a secret.
        url: String,
        /// What is wrong with it, and what to write instead.
        what: Cow<'static, str>,
    },

    /// The file is not one that this program can open.
    #[error("{}: {what}; it was left as it is", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: Cow<'static, str>,
    },
}

/// `Result` with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An engine's failure: what it was doing, with which record, and whether a retry can help. [`because`](Self::because) adds why.
    pub fn store<E>(at: Box<Location>, action: &'static str, retryable: bool, source: E) -> Self
    where
        E: std::error::Error + MaybeSend + MaybeSync + 'static,
    {
        Self::Store { at, action, why: None, retryable, source: SharedError::new(source) }
    }

    /// Says of an engine's failure what stood in the way and what to do about it, in words that its source does not have. Any other
    /// error stays as it is.
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        if let Self::Store { why, .. } = &mut self {
            *why = Some(reason);
        }
        self
    }

    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::ExpiryUnknown { .. } | Self::TimedOut { .. } => true,
            Self::Load { retryable, .. } | Self::Store { retryable, .. } => *retryable,
            Self::Partial { unknown, source, .. } => unknown.is_empty() && source.is_retryable(),
            _ => false,
        }
    }

    /// Whether it is unknown of a write, or of a part of it, if it took place.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => true,
            Self::Partial { unknown, source, .. } => !unknown.is_empty() || source.is_unknown(),
            _ => false,
        }
    }

    /// Returns whether the error is about one record, so that the rest of its batch can be read.
    pub(crate) fn is_of_a_record(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::UnknownCodec { .. })
    }
}
