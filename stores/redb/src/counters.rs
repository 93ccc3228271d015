//! What the writer counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a [`RedbStore`](super::RedbStore)'s writer has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedbStats {
    /// Transactions that were committed.
    pub commits: u64,
    /// Those of them that waited for the disk, by an fsync each.
    pub durable_commits: u64,
    /// Calls that were queued and answered, conflicts and failures too.
    pub calls: u64,
    /// Records that they wrote or removed.
    pub records: u64,
    /// Calls that were queued and given up before the writer had begun them. It has skipped them.
    pub skipped: u64,
    /// Bytes that are queued or being written now. At
    /// [`RedbOptions::queue_bytes`](super::RedbOptions::queue_bytes) further writes wait.
    pub queued_bytes: u64,
    /// The length of the file in bytes; 0 if the operating system does not tell.
    pub file_bytes: u64,
}

/// The numbers as they grow.
#[derive(Default)]
pub(super) struct Counters {
    /// Calls that were queued. Counted before a call is queued, so that there are never more in the
    /// queue than are counted.
    pub(super) queued: AtomicU64,
    /// Calls that were answered or skipped: always the first of those that were queued.
    pub(super) answered: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) durable: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) skipped: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self) -> RedbStats {
        let [commits, durable_commits, calls, records, skipped] =
            [&self.commits, &self.durable, &self.calls, &self.records, &self.skipped]
                .map(|counter| counter.load(Ordering::Relaxed));
        RedbStats { commits, durable_commits, calls, records, skipped, ..RedbStats::default() }
    }
}
