//! Spaces the attempts of transactions that meet at a record.
//!
//! A transaction runs its caller's closure, which may not be polled for a long time. So nobody waits
//! for its end. After a lost race a transaction reserves some time on its records, behind all time
//! that is reserved already, and begins its next attempt then. A new transaction that comes to such
//! a record begins behind the reserved time, so it does not overtake those that have lost. All of
//! this is a hint of a bounded length: an attempt that is late, or is never polled, keeps nobody
//! waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest time that one attempt reserves, and the longest that one waits.
const LONGEST_ATTEMPT: Duration = Duration::from_millis(20);
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// More records are looked through for time that has passed.
pub(super) const FEW: usize = 64;

/// The time that is reserved on each record, by the store's monotonic clock.
#[derive(Default)]
pub(super) struct Pace {
    /// When the last reserved time ends, in nanoseconds, so that a transaction without rivals need
    /// not lock.
    last: AtomicU64,
    /// How long an attempt usually takes, in nanoseconds.
    usual: AtomicU64,
    ends: Mutex<HashMap<Box<str>, Duration>>,
}

impl Pace {
    /// Reserves time for an attempt that writes and reads these records, and returns how long to
    /// wait for it.
    pub(super) fn reserve(
        &self,
        written: Vec<Box<str>>,
        mut read: impl Iterator<Item = Box<str>>,
        now: Duration,
    ) -> Duration {
        let usual = Duration::from_nanos(self.usual.load(Ordering::Relaxed));
        let mut ends = self.lock();
        if ends.len() > FEW {
            ends.retain(|_, end| *end > now);
        }
        let of_written = written.iter().filter_map(|key| ends.get(key)).max();
        let of_read = read.by_ref().filter_map(|key| ends.get(&key)).max();
        let begins = of_written.max(of_read).copied().unwrap_or(now).clamp(now, now + LONGEST_WAIT);
        let until = begins + usual;
        for key in written {
            let end = ends.entry(key).or_default();
            *end = until.max(*end);
        }
        drop(ends);
        self.last.fetch_max(nanos(until), Ordering::Relaxed);
        begins - now
    }

    /// Returns how long a new transaction waits before it reads these records. `now` is the time by
    /// the store's monotonic clock.
    pub(super) fn reserved(
        &self,
        keys: impl Iterator<Item = Box<str>>,
        now: impl FnOnce() -> Duration,
    ) -> Duration {
        let last = self.last.load(Ordering::Relaxed);
        if last == 0 {
            return Duration::ZERO;
        }
        let now = now();
        if last <= nanos(now) {
            return Duration::ZERO;
        }
        let ends = self.lock();
        let end = keys.filter_map(|key| ends.get(&key)).max();
        end.map_or(Duration::ZERO, |end| end.saturating_sub(now).min(LONGEST_WAIT))
    }

    /// Notes how long an attempt took that was committed.
    pub(super) fn note_attempt(&self, took: Duration) {
        let before = self.usual.load(Ordering::Relaxed);
        let took = nanos(took.min(LONGEST_ATTEMPT));
        self.usual.store(before - before / 8 + took / 8, Ordering::Relaxed);
    }

    /// How many records there are on which time is reserved.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Duration>> {
        // Nothing panics while it is locked but the allocator, which aborts.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
