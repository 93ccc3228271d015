//! What was counted, by operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kv_store::Error;

use super::latency::{Histogram, Latencies};
use crate::layer::Operation;

/// The counters of a store, which [`ObservedStore::stats`](super::ObservedStore::stats) returns.
///
/// They are read while calls go on, so counters of different operations need not be of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreStats {
    operations: Vec<OperationStats>,
}

impl StoreStats {
    /// Returns the counters of one operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> &OperationStats {
        &self.operations[operation as usize]
    }

    /// Returns every operation with its counters, also those that were never called.
    pub fn iter(&self) -> impl Iterator<Item = (Operation, &OperationStats)> {
        Operation::ALL.into_iter().zip(&self.operations)
    }
}

/// The counters of one operation.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OperationStats {
    /// Calls that succeeded, and commits whose conditions held.
    pub done: u64,
    /// Commits and replacements one of whose conditions did not hold.
    pub conflicts: u64,
    /// Calls that failed, where a retry may help.
    pub retryable: u64,
    /// Calls that failed, where a retry does not help.
    pub failed: u64,
    /// Writes whose outcome is unknown.
    pub unknown: u64,
    /// Calls that the caller dropped before they ended.
    pub dropped: u64,
    /// How long the calls took, however they ended.
    pub latencies: Latencies,
}

impl OperationStats {
    /// Returns the number of calls.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.done + self.conflicts + self.retryable + self.failed + self.unknown + self.dropped
    }
}

/// How a call ended; the order is that of the counters.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Done,
    Conflict,
    Retryable,
    Failed,
    Unknown,
    Dropped,
}

impl Ending {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::OutcomeUnknown { .. } => Self::Unknown,
            Error::Partial { unknown, .. } if !unknown.is_empty() => Self::Unknown,
            Error::Partial { source, .. } => Self::of(source),
            error if error.is_retryable() => Self::Retryable,
            _ => Self::Failed,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Conflict => "conflict",
            Self::Retryable => "retryable",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
        }
    }
}

#[derive(Default)]
pub(super) struct Counters([OfOperation; Operation::ALL.len()]);

#[derive(Default)]
struct OfOperation {
    endings: [AtomicU64; 6],
    latencies: Histogram,
}

impl Counters {
    pub(super) fn count(&self, operation: Operation, ending: Ending, took: Duration) {
        let counters = &self.0[operation as usize];
        counters.endings[ending as usize].fetch_add(1, Ordering::Relaxed);
        counters.latencies.add(took);
    }

    pub(super) fn read(&self) -> StoreStats {
        StoreStats { operations: self.0.iter().map(OfOperation::read).collect() }
    }
}

impl OfOperation {
    fn read(&self) -> OperationStats {
        let [done, conflicts, retryable, failed, unknown, dropped] =
            self.endings.each_ref().map(|counter| counter.load(Ordering::Relaxed));
        let latencies = self.latencies.read();
        OperationStats { done, conflicts, retryable, failed, unknown, dropped, latencies }
    }
}
