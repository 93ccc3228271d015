//! The capabilities and limits of a store, as data.

use std::time::Duration;

use crate::error::{Error, Location, Result};
use crate::key::Key;

/// The capabilities of a store: which promises it makes beyond its methods' docs.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::store::{Capabilities, Sharing};
///
/// let capabilities = Capabilities::new(Sharing::Exclusive).ordered().atomic_batches();
/// assert!(capabilities.ordered && !capabilities.snapshot_reads);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Who else can write to the store.
    pub sharing: Sharing,
    /// Whether the store can commit. A store that is chosen at run time may implement
    /// [`AtomicStore`](super::AtomicStore) without this capability.
    pub compare_and_swap: bool,
    /// Whether commits take the entries of indexes. A store that is chosen at run time may implement
    /// [`IndexStore`](super::IndexStore) without this capability.
    pub indexes: bool,
    /// Whether the entries of an index are kept apart, shard by shard, if their keys have a
    /// [shard](Key::shard). A page of entries is then of one shard.
    pub indexes_by_shard: bool,
    /// Whether lists are sorted by the bytes of the keys.
    pub ordered: bool,
    /// Whether a batched read is a snapshot: all answers are of one moment.
    pub snapshot_reads: bool,
    /// Whether a batched write is atomic: all or nothing.
    pub atomic_batches: bool,
    /// Whether the store can list and read metadata without reading values.
    pub cheap_metadata: bool,
    /// Whether the store keeps [plain records](crate::record::NewRecord::plain).
    pub plain_records: bool,
    /// Whether plain records can expire.
    pub plain_expiry: bool,
    /// Whether keys are stored as they are, and lists find records that other programs wrote. A store
    /// that spells keys otherwise, or lists only what it wrote, sets it to `false`.
    pub foreign_keys: bool,
    /// The store's limits.
    pub limits: Limits,
}

/// Who can write to a store, apart from this program's handle on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// Nobody: the store lives in this process, or this process holds its lock.
    Exclusive,
    /// Other processes. Each sees a write with its next read.
    Shared,
    /// Other processes. They see a write after some time.
    Eventual,
}

impl Capabilities {
    /// Returns the capabilities of a store that makes no further promises.
    #[must_use]
    pub const fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            compare_and_swap: false,
            indexes: false,
            indexes_by_shard: false,
            ordered: false,
            snapshot_reads: false,
            atomic_batches: false,
            cheap_metadata: false,
            plain_records: false,
            plain_expiry: false,
            foreign_keys: true,
            limits: Limits::new(),
        }
    }

    /// Adds compare-and-swap.
    #[must_use]
    pub const fn compare_and_swap(mut self) -> Self {
        self.compare_and_swap = true;
        self
    }

    /// Adds the entries of indexes.
    #[must_use]
    pub const fn indexes(mut self) -> Self {
        self.indexes = true;
        self
    }

    /// Adds that the entries of indexes are kept apart, shard by shard.
    #[must_use]
    pub const fn indexes_by_shard(mut self) -> Self {
        self.indexes_by_shard = true;
        self
    }

    /// Adds lists in key order.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Adds batched reads that are snapshots.
    #[must_use]
    pub const fn snapshot_reads(mut self) -> Self {
        self.snapshot_reads = true;
        self
    }

    /// Adds atomic batched writes.
    #[must_use]
    pub const fn atomic_batches(mut self) -> Self {
        self.atomic_batches = true;
        self
    }

    /// Adds metadata that can be read without values.
    #[must_use]
    pub const fn cheap_metadata(mut self) -> Self {
        self.cheap_metadata = true;
        self
    }

    /// Adds plain records that do not expire.
    #[must_use]
    pub const fn plain_records(mut self) -> Self {
        self.plain_records = true;
        self
    }

    /// Adds the expiry of plain records.
    #[must_use]
    pub const fn plain_expiry(mut self) -> Self {
        self.plain_expiry = true;
        self
    }

    /// Sets whether keys are stored as they are, and lists find those of other programs.
    #[must_use]
    pub const fn foreign_keys(mut self, can: bool) -> Self {
        self.foreign_keys = can;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// The limits of a store. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum length of a key.
    pub key: usize,
    /// The maximum length of a value.
    pub value: usize,
    /// The maximum length of metadata, as JSON.
    pub metadata: usize,
    /// The shortest TTL that the store accepts, if there is a minimum.
    pub least_ttl: Option<Duration>,
    /// The shortest TTL that the server supports, if it has a minimum. A record with a shorter TTL
    /// still expires on time for this library. Other programs may see it until the server's minimum
    /// has passed.
    pub server_ttl: Option<Duration>,
    /// The maximum number of keys in a batched read.
    pub batch_read: usize,
    /// The maximum number of records in a batched write.
    pub batch_write: usize,
    /// The maximum size of a batched write: the bytes of its keys and values.
    pub batch_write_bytes: usize,
    /// The maximum number of conditions and writes in one commit.
    pub commit: usize,
    /// The maximum size of a commit with several writes: the bytes of its keys and values.
    pub commit_bytes: usize,
    /// Which keys one commit may have.
    pub commit_scope: CommitScope,
}

/// Which keys one commit may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitScope {
    /// Any keys of the store.
    AnyKeys,
    /// The keys of one shard: they have the same [`Key::placement`]. So one commit may have the groups
    /// of one entity, and all entities under one shard id. A batch that puts records writes those of
    /// one shard together: all or none.
    OneShard,
    /// The keys of one entity, which are those of its groups: they have the same
    /// [`Key::entity_part`].
    OneEntity,
}

impl CommitScope {
    /// Returns whether one commit may have both keys. If it may have `a` and `b`, and `a` and `c`, it
    /// may have all three.
    #[must_use]
    pub fn allows(self, a: &Key, b: &Key) -> bool {
        match self {
            Self::AnyKeys => true,
            Self::OneShard => a.placement() == b.placement(),
            Self::OneEntity => a.entity_part() == b.entity_part(),
        }
    }

    /// For stores: checks the keys of a commit. Callers have checked them already, except those that
    /// use the store directly.
    ///
    /// # Errors
    ///
    /// [`Error::NotTogether`], which names the first key and the one that cannot be beside it.
    pub fn check<'k>(self, store: &'static str, mut keys: impl Iterator<Item = &'k Key>) -> Result<()> {
        let Some(first) = keys.next() else { return Ok(()) };
        match keys.find(|key| !self.allows(first, key)) {
            Some(key) => Err(self.not_together(Location::of(store, key), first)),
            None => Ok(()),
        }
    }

    /// The error of a key that cannot be beside `other`.
    #[doc(hidden)]
    #[must_use]
    pub fn not_together(self, at: Box<Location>, other: &Key) -> Error {
        let scope = match self {
            Self::AnyKeys => "the store takes any keys",
            Self::OneShard => {
                "one commit can have the groups of one entity, or entities with the same shard id: mark the first id of \
                 both `#[kv(id, shard)]`"
            }
            Self::OneEntity => "one commit can have the groups of one entity only",
        };
        let other = Location::of(at.store.unwrap_or_default(), other).key.unwrap_or_default();
        Error::NotTogether { at, other, scope }
    }
}

impl Limits {
    /// Returns sensible limits for an engine that has none: keys of 1 KiB, values of 512 MiB,
    /// metadata of 60 KiB, batches of 10,000 records and 8 MiB, and commits of any 10,000 keys and
    /// 64 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            key: 1 << 10,
            value: 512 << 20,
            metadata: 60 << 10,
            least_ttl: None,
            server_ttl: None,
            batch_read: 10_000,
            batch_write: 10_000,
            batch_write_bytes: 8 << 20,
            commit: 10_000,
            commit_bytes: 64 << 20,
            commit_scope: CommitScope::AnyKeys,
        }
    }

    /// Sets the maximum length of a key, in bytes.
    #[must_use]
    pub const fn key(mut self, bytes: usize) -> Self {
        self.key = bytes;
        self
    }

    /// Sets the maximum length of a value, in bytes.
    #[must_use]
    pub const fn value(mut self, bytes: usize) -> Self {
        self.value = bytes;
        self
    }

    /// Sets the maximum length of metadata, in bytes of JSON.
    #[must_use]
    pub const fn metadata(mut self, bytes: usize) -> Self {
        self.metadata = bytes;
        self
    }

    /// Sets the shortest TTL that the store accepts.
    #[must_use]
    pub const fn least_ttl(mut self, ttl: Duration) -> Self {
        self.least_ttl = Some(ttl);
        self
    }

    /// Sets the shortest TTL that the server supports.
    #[must_use]
    pub const fn server_ttl(mut self, ttl: Duration) -> Self {
        self.server_ttl = Some(ttl);
        self
    }

    /// Sets the maximum number of keys in a batched read, and of records in a batched write.
    #[must_use]
    pub const fn batches(mut self, read: usize, write: usize) -> Self {
        self.batch_read = read;
        self.batch_write = write;
        self
    }

    /// Sets the maximum size of a batched write, in bytes.
    #[must_use]
    pub const fn batch_write_bytes(mut self, bytes: usize) -> Self {
        self.batch_write_bytes = bytes;
        self
    }

    /// Sets the maximum number of conditions and writes in one commit, and their size in bytes.
    #[must_use]
    pub const fn commits(mut self, keys: usize, bytes: usize) -> Self {
        self.commit = keys;
        self.commit_bytes = bytes;
        self
    }

    /// Sets which keys one commit may have.
    #[must_use]
    pub const fn commit_scope(mut self, scope: CommitScope) -> Self {
        self.commit_scope = scope;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
