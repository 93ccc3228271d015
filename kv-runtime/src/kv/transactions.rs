//! How transactions behave on a handle, and how many met others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a transaction tries: [`Kv::with_transaction_options`](crate::Kv::with_transaction_options).
///
/// ```
/// use std::time::Duration;
/// use kv_runtime::{Kv, TransactionOptions, store::MemoryStore};
///
/// let options = TransactionOptions::new().attempts(8).deadline(Duration::from_secs(2));
/// let kv = Kv::new(MemoryStore::new()).with_transaction_options(options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionOptions {
    /// How often the closure runs at most. It is 64 unless it is set.
    pub attempts: u32,
    /// How long after the transaction began another attempt may begin. It is ten seconds unless it
    /// is set. An attempt that has begun is not cut short.
    pub deadline: Duration,
}

impl TransactionOptions {
    /// Returns the usual options: 64 attempts within ten seconds.
    #[must_use]
    pub const fn new() -> Self {
        Self { attempts: 64, deadline: Duration::from_secs(10) }
    }

    /// Sets how often the closure runs at most. It runs at least once.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long after the transaction began another attempt may begin.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl Default for TransactionOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// How the transactions of a handle and its clones have ended:
/// [`Kv::transaction_stats`](crate::Kv::transaction_stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionStats {
    /// Transactions that succeeded, those that wrote nothing included.
    pub committed: u64,
    /// Attempts that met another writer, when they read or when they committed.
    pub conflicts: u64,
    /// Attempts that were made again after a conflict.
    pub retries: u64,
    /// Transactions that used up their attempts or their time.
    pub exhausted: u64,
    /// Commits whose outcome was unknown at first.
    pub unknown: u64,
}

/// What happened to a transaction, in the order of the counters.
#[derive(Clone, Copy)]
pub(crate) enum TransactionEvent {
    Committed,
    Conflict,
    Retry,
    Exhausted,
    Unknown,
}

#[derive(Default)]
pub(super) struct TransactionCounters([AtomicU64; 5]);

impl TransactionCounters {
    pub(super) fn count(&self, event: TransactionEvent) {
        self.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> TransactionStats {
        let [committed, conflicts, retries, exhausted, unknown] = &self.0;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TransactionStats {
            committed: read(committed),
            conflicts: read(conflicts),
            retries: read(retries),
            exhausted: read(exhausted),
            unknown: read(unknown),
        }
    }
}
