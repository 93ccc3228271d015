//! What a store can do, and how much it takes, as data.

use std::time::Duration;

/// What a store can do beside its methods.
///
/// ```
/// use kv_runtime::store::{Capabilities, Sharing};
///
/// let capabilities = Capabilities::new(Sharing::Exclusive).ordered().atomic_batches();
/// assert!(capabilities.ordered && !capabilities.snapshot_reads);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Who else may write to it.
    pub sharing: Sharing,
    /// Whether it is an [`AtomicStore`](super::AtomicStore) that can commit; a store chosen at run time may implement the trait
    /// and yet lack it.
    pub compare_and_swap: bool,
    /// Whether a list is in the order of the keys' bytes.
    pub ordered: bool,
    /// Whether a batched read is of one moment.
    pub snapshot_reads: bool,
    /// Whether a batched write is all or nothing.
    pub atomic_batches: bool,
    /// Whether metadata can be listed and read without reading values.
    pub cheap_metadata: bool,
    /// How much it takes.
    pub limits: Limits,
}

/// Who may write to a store beside this program's handle on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// Nobody: it lives in this process, or this process holds its lock.
    Exclusive,
    /// Other processes; a write is seen by the next read of each.
    Shared,
    /// Other processes; a write is seen after some time.
    Eventual,
}

impl Capabilities {
    /// A store with no more than its methods.
    #[must_use]
    pub const fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            compare_and_swap: false,
            ordered: false,
            snapshot_reads: false,
            atomic_batches: false,
            cheap_metadata: false,
            limits: Limits::new(),
        }
    }

    /// With compare-and-swap.
    #[must_use]
    pub const fn compare_and_swap(mut self) -> Self {
        self.compare_and_swap = true;
        self
    }

    /// With lists in key order.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// With batched reads of one moment.
    #[must_use]
    pub const fn snapshot_reads(mut self) -> Self {
        self.snapshot_reads = true;
        self
    }

    /// With batched writes that are all or nothing.
    #[must_use]
    pub const fn atomic_batches(mut self) -> Self {
        self.atomic_batches = true;
        self
    }

    /// With metadata that can be read alone.
    #[must_use]
    pub const fn cheap_metadata(mut self) -> Self {
        self.cheap_metadata = true;
        self
    }

    /// With these limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// How much a store takes. Lengths are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest key.
    pub key: usize,
    /// The longest value.
    pub value: usize,
    /// The longest metadata, as JSON.
    pub metadata: usize,
    /// The least time that a record is kept for, if there is one.
    pub least_ttl: Option<Duration>,
    /// The shortest TTL that the server supports, if it has a minimum. A record with a shorter TTL
    /// still expires on time for this library. Other programs may see it until the server's minimum
    /// has passed.
    pub server_ttl: Option<Duration>,
    /// The most keys of one batched read.
    pub batch_read: usize,
    /// The most records of one batched write.
    pub batch_write: usize,
    /// The most bytes, keys and values, of one batched write.
    pub batch_write_bytes: usize,
}

impl Limits {
    /// Returns sensible limits for an engine that has none: keys of 1 KiB, values of 512 MiB,
    /// metadata of 60 KiB, and batches of 10,000 records and 8 MiB.
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
        }
    }

    /// With another longest key, in bytes.
    #[must_use]
    pub const fn key(mut self, bytes: usize) -> Self {
        self.key = bytes;
        self
    }

    /// With another longest value, in bytes.
    #[must_use]
    pub const fn value(mut self, bytes: usize) -> Self {
        self.value = bytes;
        self
    }

    /// With another longest metadata, in bytes of JSON.
    #[must_use]
    pub const fn metadata(mut self, bytes: usize) -> Self {
        self.metadata = bytes;
        self
    }

    /// With a least time that a record is kept for.
    #[must_use]
    pub const fn least_ttl(mut self, ttl: Duration) -> Self {
        self.least_ttl = Some(ttl);
        self
    }

    /// With a least time for which the server itself keeps a record.
    #[must_use]
    pub const fn server_ttl(mut self, ttl: Duration) -> Self {
        self.server_ttl = Some(ttl);
        self
    }

    /// With other batches: keys of a read, records of a write.
    #[must_use]
    pub const fn batches(mut self, read: usize, write: usize) -> Self {
        self.batch_read = read;
        self.batch_write = write;
        self
    }

    /// With another size of a batched write, in bytes.
    #[must_use]
    pub const fn batch_write_bytes(mut self, bytes: usize) -> Self {
        self.batch_write_bytes = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
