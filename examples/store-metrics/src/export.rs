//! From the counters of an `ObservedStore` to the `metrics` crate, under OpenTelemetry's names.

use std::collections::HashMap;
use std::time::Duration;

use kv_runtime::layer::{Operation, OperationStats, StoreStats};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// How long calls took, in seconds: a metric of OpenTelemetry's conventions for databases.
pub const DURATION: &str = "db.client.operation.duration";

/// How many calls ended in which way. OpenTelemetry has no metric for this.
pub const CALLS: &str = "kv.client.calls";

/// The upper bounds of buckets that OpenTelemetry recommends for the duration.
pub const SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Exports the counters of one store.
///
/// The store counts from its start, and a histogram of `metrics` takes single values. So this
/// remembers what it has exported, and adds what is new.
pub struct Exporter {
    system: &'static str,
    exported: HashMap<(Operation, Duration), u64>,
}

impl Exporter {
    /// Exports as `db.system.name = system`. The recorder of `metrics` must be installed already.
    pub fn new(system: &'static str) -> Self {
        describe_histogram!(DURATION, Unit::Seconds, "Duration of the store's calls");
        describe_counter!(CALLS, Unit::Count, "Calls of the store, by outcome");
        Self { system, exported: HashMap::new() }
    }

    /// Adds what has happened since the last time. Call it regularly, or when somebody asks for the
    /// metrics.
    pub fn export(&mut self, stats: &StoreStats) {
        for (operation, stats) in stats.iter().filter(|(_, stats)| stats.calls() > 0) {
            self.export_durations(operation, stats);
            self.export_outcomes(operation, stats);
        }
    }

    fn export_durations(&mut self, operation: Operation, stats: &OperationStats) {
        let duration = histogram!(
            DURATION, "db.system.name" => self.system, "db.operation.name" => operation.name()
        );
        for (within, calls) in stats.latencies.buckets() {
            let exported = self.exported.entry((operation, within)).or_default();
            // A bucket of the store is a quarter wide, so this is at most a quarter too long.
            duration.record_many(within, usize::try_from(calls - *exported).unwrap_or(usize::MAX));
            *exported = calls;
        }
    }

    fn export_outcomes(&self, operation: Operation, stats: &OperationStats) {
        let OperationStats { done, conflicts, retryable, failed, unknown, dropped, .. } = *stats;
        for (outcome, calls) in [
            ("done", done),
            ("conflict", conflicts),
            ("retryable", retryable),
            ("failed", failed),
            ("unknown", unknown),
            ("dropped", dropped),
        ] {
            if calls > 0 {
                let labels = [
                    ("db.system.name", self.system),
                    ("db.operation.name", operation.name()),
                    ("outcome", outcome),
                ];
                counter!(CALLS, &labels).absolute(calls);
            }
        }
    }
}
