//! What can go wrong.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use super::cause::SharedError;
use super::display::{
    duration, format_name, id_changed, load_advice, reason, rest_of_batch, retry_advice, undecoded,
    written_part,
};
use super::location::Location;
use crate::codec::{Codec, CodecError};
use crate::timer::NoTimer;

/// The error of every call: what happened, where, and what to do.
///
/// Every variant except those about a file or a URL has a [`Location`], in which a secret id is a
/// hash. If an engine failed a whole batch, it names only the store. `Display` does not repeat the
/// [`source`](std::error::Error::source), and `Debug` adds a line for each cause. No variant holds
/// a value. Clones share the cause.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no record to change. Or an origin has none, and the loader returns no `Option`.
    #[error("{at}: there is no such record; `put` creates it, and `upsert` changes or creates it")]
    NotFound {
        /// Where.
        at: Box<Location>,
    },

    /// `insert` found a record with this id.
    #[error("{at}: there is a record already; `update` changes it, `put` replaces it")]
    AlreadyExists {
        /// Where.
        at: Box<Location>,
    },

    /// Another entity has a value that a unique index allows once. A call that writes has written
    /// nothing. The report of a build or a check names two entities that are stored with one value.
    #[error(
        "{at}: the value of its unique index `{index}` belongs to `{holder}`; change the value, or that of the other entity first"
    )]
    NotUnique {
        /// Where: the entity that was to be written.
        at: Box<Location>,
        /// The index.
        index: &'static str,
        /// The key of the entity that has the value. Each secret id is a hash.
        holder: String,
    },

    /// An index was looked up that was not built since it was declared.
    #[error(
        "{at}: the index `{index}` does not have all entities yet; once no older version of the program writes, run `build_indexes()`"
    )]
    IndexNotReady {
        /// Where: the index.
        at: Box<Location>,
        /// The index.
        index: &'static str,
    },

    /// An index has entries for entities of several shards, and the store commits one shard at a
    /// time, such as a Redis cluster. Nothing was sent to it.
    #[error("{at}: the store commits one shard at a time, and the index `{index}` spans shards; {advice}")]
    IndexAcrossShards {
        /// Where: the index.
        at: Box<Location>,
        /// The index.
        index: &'static str,
        /// Which attribute to write.
        advice: String,
    },

    /// Another writer came first at each attempt.
    #[error(
        "{at}: another writer came first {attempts} times in a row; nothing was written; try again later{}",
        reason(.why)
    )]
    Conflict {
        /// Where.
        at: Box<Location>,
        /// The number of attempts.
        attempts: u32,
        /// What else to look at, if there is anything.
        why: Option<&'static str>,
    },

    /// A transaction saves an entity that it has not read.
    #[error(
        "{at}: the transaction has not read the entity that it saves; read it with `get`, or write it with `put` or `insert`"
    )]
    NotRead {
        /// Where.
        at: Box<Location>,
    },

    /// A transaction has more than the store takes in one commit. Nothing was written.
    #[error("{at}: the transaction has {found} {unit}, and the store takes {max} in one commit; split it")]
    TransactionTooLarge {
        /// Where: at the record that is one too many.
        at: Box<Location>,
        /// How much it has.
        found: usize,
        /// The store's limit.
        max: usize,
        /// What is counted: `conditions and writes`, or `bytes`.
        unit: &'static str,
    },

    /// A transaction or a commit has keys that the store cannot commit together. Nothing was written.
    #[error("{at}: the store cannot commit it together with `{other}`; {scope}")]
    NotTogether {
        /// Where: one of the two records.
        at: Box<Location>,
        /// The key of the other record. Each secret id is a hash.
        other: String,
        /// What one commit may have.
        scope: &'static str,
    },

    /// The entity to be written has another id than the one that was asked for.
    #[error("{at}: {}", id_changed(.created))]
    IdChanged {
        /// Where: under the id that was asked for.
        at: Box<Location>,
        /// Whether `create` returned the entity, rather than `change` changing it.
        created: bool,
    },

    /// The first group of the entity is there, and a required group is not.
    #[error(
        "{at}: the required group `{group}` is missing beside its anchor; `put` the whole entity, or mark the group `optional`"
    )]
    Incomplete {
        /// Where: the anchor's key.
        at: Box<Location>,
        /// The group that is missing.
        group: &'static str,
    },

    /// Newer code wrote the record, in a shape that this code cannot read.
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

    /// The record's version is below the oldest that this program reads.
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

    /// The record could not be migrated from one version to another.
    #[error(
        "{at}: the record could not be migrated from version {from} to {to} and was left as it is; the cause says whether to fix the step or the record"
    )]
    MigrationFailed {
        /// Where.
        at: Box<Location>,
        /// The version before the failing step.
        from: u32,
        /// The version after it.
        to: u32,
        /// Why: the step's own error, or the hook's refusal.
        source: SharedError,
    },

    /// The codec cannot decode the stored bytes as this group.
    ///
    /// The source names the field of the struct if the value is JSON of the current version. It
    /// does not name the path inside that field: the path may lead through a map, whose keys are
    /// application data, and errors show no data.
    #[error("{at}: {}", undecoded(.codec, .source))]
    Decode {
        /// Where.
        at: Box<Location>,
        /// The codec that the record names.
        codec: Codec,
        /// The codec's reason, without any part of the value.
        source: CodecError,
    },

    /// The codec cannot encode the entity so that it would be read back equal. Nothing was written.
    #[error("{at}: the entity does not encode as {}; nothing was written", format_name(.codec))]
    Encode {
        /// Where.
        at: Box<Location>,
        /// The codec of the group.
        codec: Codec,
        /// The codec's reason.
        source: CodecError,
    },

    /// The envelope or the metadata of a record is damaged.
    #[error("{at}: the record cannot be read: {what}; it was left as it is, and `put` replaces it")]
    Malformed {
        /// Where.
        at: Box<Location>,
        /// What is wrong with it.
        what: Cow<'static, str>,
    },

    /// The record names a codec that this program does not know.
    #[error(
        "{at}: the record names the codec {codec}, which this program was built without; see the crate's features"
    )]
    UnknownCodec {
        /// Where.
        at: Box<Location>,
        /// The codec's name or number in the record.
        codec: String,
    },

    /// The key is longer than the store allows.
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

    /// The value is longer than the store allows.
    #[error("{at}: the value has {len} bytes, and the store takes {max}; split it into groups")]
    ValueTooLong {
        /// Where.
        at: Box<Location>,
        /// Its length in bytes.
        len: usize,
        /// The store's limit in bytes.
        max: usize,
    },

    /// The metadata is longer than the store allows, even without the members that can be omitted.
    #[error(
        "{at}: the metadata has {len} bytes, and the store takes {max}; shorten the members that other programs added"
    )]
    MetadataTooLong {
        /// Where.
        at: Box<Location>,
        /// Its length in bytes.
        len: usize,
        /// The store's limit in bytes.
        max: usize,
    },

    /// The TTL is below the store's minimum.
    #[error("{at}: a TTL of {} is below the store's minimum of {}; use that, or no TTL", duration(.ttl), duration(.least))]
    TtlTooShort {
        /// Where.
        at: Box<Location>,
        /// The TTL that was asked for.
        ttl: Duration,
        /// The store's limit.
        least: Duration,
    },

    /// A write had to keep the record's expiry, and the store could not say what it is.
    #[error(
        "{at}: the store does not know when the record expires, and a rewrite could keep it forever; nothing was written; retry in a minute, or `put` it with an expiry"
    )]
    ExpiryUnknown {
        /// Where.
        at: Box<Location>,
    },

    /// The cursor is from another list.
    #[error(
        "{at}: the cursor is from another list; use the one that the last page of this list returned, or start without one"
    )]
    InvalidCursor {
        /// Where: the list's prefix.
        at: Box<Location>,
    },

    /// A batched write ended before all of it was done.
    ///
    /// Positions in the batch count from 0. A position was written if it is below `written` or in
    /// `also`. It is unknown if it is in `unknown`. Otherwise it was not written. The error is
    /// [retryable](Error::is_retryable) only if nothing is unknown.
    #[error(
        "{at}: {}; {}",
        written_part(.written, .also),
        rest_of_batch(.unknown)
    )]
    Partial {
        /// Where it failed.
        at: Box<Location>,
        /// How many from the start were written.
        written: usize,
        /// The positions of others that were written.
        also: Vec<usize>,
        /// The positions whose outcome is [unknown](Error::OutcomeUnknown).
        unknown: Vec<usize>,
        /// The reason. If `unknown` is not empty, it is the reason for that.
        source: Box<Error>,
    },

    /// It is unknown whether the write took place. Read the record before you write again.
    #[error("{at}: it is unknown whether the write took place; read the record before you write again")]
    OutcomeUnknown {
        /// Where.
        at: Box<Location>,
        /// What happened.
        source: SharedError,
    },

    /// The store lacks a capability that the call needs.
    #[error("{at}: the store cannot do this: {capability}")]
    Unsupported {
        /// Where.
        at: Box<Location>,
        /// The capability.
        capability: &'static str,
    },

    /// The call has to wait, for a rate or before a retry, and the store's clock has no timer.
    #[error("{at}: the call has to wait, and the store's clock has no timer that runs here")]
    NoTimer {
        /// Where.
        at: Box<Location>,
        /// What to do about it.
        source: NoTimer,
    },

    /// The store's engine failed, or could not be opened or reached.
    #[error("{at}: the store failed to {action}{}{}", reason(.why), retry_advice(.retryable))]
    Store {
        /// Where.
        at: Box<Location>,
        /// What the engine was doing.
        action: &'static str,
        /// The reason and what to do, if the store knows them.
        why: Option<&'static str>,
        /// Whether the same call may succeed later.
        retryable: bool,
        /// The engine's own error.
        source: SharedError,
    },

    /// The loader of a cache failed.
    #[error("{at}: the origin failed to load it; nothing was cached; {}", load_advice(.retryable))]
    Load {
        /// Where: the anchor's key.
        at: Box<Location>,
        /// Whether the same call may succeed later. It cannot if the loader returned an entity with
        /// another id.
        retryable: bool,
        /// The loader's error. [`SharedError`] derefs to it, for `downcast_ref`.
        source: SharedError,
    },

    /// The time limit passed: of a cache's load, or of a read of a
    /// [`TimeoutStore`](https://docs.rs/kv-runtime/latest/kv_runtime/layer/struct.TimeoutStore.html).
    #[error("{at}: there was no answer within {}; a retry may help", duration(.limit))]
    TimedOut {
        /// Where.
        at: Box<Location>,
        /// The time limit.
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

    /// An option of the store or of the call is invalid.
    #[error("{at}: {what}")]
    InvalidOptions {
        /// Where.
        at: Box<Location>,
        /// What is wrong, and what to set instead.
        what: Cow<'static, str>,
    },

    /// The URL names no store.
    #[error("`{url}`: {what}")]
    InvalidUrl {
        /// The URL, without any part that may be a secret.
        url: String,
        /// What is wrong with it, and what to write instead.
        what: Cow<'static, str>,
    },

    /// The file is not a store that this program can open.
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
