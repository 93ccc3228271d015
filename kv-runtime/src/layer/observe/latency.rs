//! How long calls took: a histogram whose buckets are a quarter of a power of two wide.
//!
//! So a figure is right to within 25 %, from nanoseconds to an hour, in a fixed array of counters
//! without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of nanoseconds: 4 for each power of two up to 2⁴², more than an hour. What is longer is
/// in the last one.
const BUCKETS: usize = 4 * 42;

pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    max: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(super) fn add(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(nanos)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
        self.max.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Latencies {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Latencies {
            buckets: self.buckets.iter().map(load).collect(),
            sum: Duration::from_nanos(load(&self.sum)),
            max: Duration::from_nanos(load(&self.max)),
        }
    }
}

/// How long calls took.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    buckets: Vec<u64>,
    sum: Duration,
    max: Duration,
}

impl Latencies {
    /// Returns the sum of all durations. Divided by the number of calls it is their mean.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the longest duration.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// Returns a duration within which this share of the calls ended, such as 0.99. It is at most a
    /// quarter too long. Returns zero if there was no call.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let calls: u64 = self.buckets.iter().sum();
        let mut left = (share.clamp(0.0, 1.0) * calls as f64).ceil() as u64;
        for (within, count) in self.buckets() {
            if count >= left {
                return within.min(self.max);
            }
            left -= count;
        }
        self.max
    }

    /// Returns the buckets that hold calls: an upper bound, and how many calls ended within it and
    /// not within the bucket before. For exporting.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let ends = (0..).map(|bucket| Duration::from_nanos(end_of(bucket)));
        ends.zip(self.buckets.iter().copied()).filter(|(_, count)| *count > 0)
    }
}

/// The two bits after a number's highest one choose among the four buckets of its power of two.
fn bucket_of(nanos: u64) -> usize {
    let power = nanos.max(4).ilog2();
    let quarter = (nanos.max(4) >> (power - 2)) & 3;
    (power as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

/// The longest time in a bucket.
fn end_of(bucket: usize) -> u64 {
    let (power, quarter) = (bucket / 4, bucket as u64 % 4);
    ((5 + quarter) << power >> 2) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_one_bucket_and_at_most_a_quarter_below_its_end() {
        for nanos in (4..5_000).chain([1 << 20, (1 << 20) - 1, 999_999_999, 3_600_000_000_000]) {
            let bucket = bucket_of(nanos);
            assert!(nanos <= end_of(bucket), "{nanos}");
            assert!(end_of(bucket - 1) < nanos || bucket == 8, "{nanos}");
            assert!(end_of(bucket) as f64 <= nanos as f64 * 1.25, "{nanos}");
        }
        assert_eq!(bucket_of(0), bucket_of(4));
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_of_what_was_added() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read().quantile(0.5), Duration::ZERO);
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let read = histogram.read();
        let about = |share, millis: u64| {
            let (estimate, exact) = (read.quantile(share), Duration::from_millis(millis));
            assert!(
                exact <= estimate && estimate <= exact * 5 / 4,
                "{share}: {estimate:?} instead of {exact:?}"
            );
        };
        about(0.5, 50);
        about(0.99, 99);
        assert_eq!(read.quantile(1.0), read.max());
        assert_eq!((read.max(), read.sum()), (Duration::from_millis(100), Duration::from_millis(5_050)));
        assert_eq!(read.buckets().map(|(_, count)| count).sum::<u64>(), 100);
        histogram.add(Duration::MAX);
        assert_eq!(histogram.read().max(), Duration::from_nanos(u64::MAX));
    }
}
