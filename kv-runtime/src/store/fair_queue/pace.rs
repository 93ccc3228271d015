//! Spaces the attempts of transactions that meet at a record.
//!
//! A transaction runs its caller's closure, which may not be polled for a long time. So nobody waits
//! for its end. After a lost race a transaction reserves some time on its records, behind all time
//! that is reserved already, and begins its next attempt then. A new transaction that comes to such
//! a record begins behind the reserved time, so it does not overtake those that have lost. All of
//! this is a hint of a bounded length: whoever is late, or is never polled, keeps nobody waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::FairQueue;
use crate::key::Key;

/// The longest time that one attempt reserves, and the longest that one waits.
const LONGEST_ATTEMPT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// More records are looked through for time that has passed.
const FEW: usize = 64;

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

impl FairQueue {
    /// Reserves time for an attempt that writes and reads these records, and returns how long to
    /// wait for it.
    pub(crate) fn reserve<'k>(
        &self,
        written: impl Iterator<Item = &'k Key>,
        read: impl Iterator<Item = &'k Key>,
        now: Duration,
    ) -> Duration {
        let Pace { last, usual, .. } = &self.lines.pace;
        let usual = Duration::from_nanos(usual.load(Ordering::Relaxed));
        let written: Vec<Box<str>> = written.map(|key| self.engine_key(key)).collect();
        let mut ends = self.lines.pace.lock();
        if ends.len() > FEW {
            ends.retain(|_, end| *end > now);
        }
        let of_written = written.iter().filter_map(|key| ends.get(key)).max();
        let of_read = read.filter_map(|key| ends.get(&self.engine_key(key))).max();
        let begins = of_written.max(of_read).copied().unwrap_or(now).clamp(now, now + LONGEST_WAIT);
        let until = begins + usual;
        for key in written {
            let end = ends.entry(key).or_default();
            *end = until.max(*end);
        }
        drop(ends);
        last.fetch_max(nanos(until), Ordering::Relaxed);
        begins - now
    }

    /// Returns how long a new transaction waits before it reads these records.
    /// `now` is the time by the store's monotonic clock.
    pub(crate) fn reserved<'k>(
        &self,
        keys: impl Iterator<Item = &'k Key>,
        now: impl FnOnce() -> Duration,
    ) -> Duration {
        let last = self.lines.pace.last.load(Ordering::Relaxed);
        if last == 0 {
            return Duration::ZERO;
        }
        let now = now();
        if last <= nanos(now) {
            return Duration::ZERO;
        }
        let ends = self.lines.pace.lock();
        let end = keys.filter_map(|key| ends.get(&self.engine_key(key))).max();
        end.map_or(Duration::ZERO, |end| end.saturating_sub(now).min(LONGEST_WAIT))
    }

    /// Notes how long an attempt took that was committed.
    pub(crate) fn note_attempt(&self, took: Duration) {
        let usual = &self.lines.pace.usual;
        let before = usual.load(Ordering::Relaxed);
        let took = nanos(took.min(LONGEST_ATTEMPT));
        usual.store(before - before / 8 + took / 8, Ordering::Relaxed);
    }
}

impl Pace {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Duration>> {
        // Nothing panics while it is locked but the allocator, which aborts.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn queue() -> FairQueue {
        let queue = FairQueue::new();
        (0..100).for_each(|_| queue.note_attempt(8 * MILLI));
        queue
    }

    fn about(wait: Duration, millis: u32) -> bool {
        wait.abs_diff(millis * MILLI) < MILLI
    }

    #[test]
    fn attempts_on_one_record_come_one_after_the_other() {
        let (queue, now) = (queue(), Duration::from_secs(5));
        let [a, b, c] = ["a", "b", "c"].map(Key::from_text);
        let reserve = |written: &[&Key], read: &[&Key]| {
            queue.reserve(written.iter().copied(), read.iter().copied(), now)
        };
        assert_eq!(queue.reserved([&a].into_iter(), || now), Duration::ZERO);
        assert!(about(reserve(&[&a], &[]), 0));
        assert!(about(reserve(&[&a, &b], &[]), 8));
        assert!(about(reserve(&[&b], &[]), 16));
        // Readers wait for those who write, and keep nobody waiting.
        assert!(about(reserve(&[&c], &[&a]), 16));
        assert!(about(reserve(&[&a], &[]), 16));
        assert!(about(queue.reserved([&a].into_iter(), || now), 24));
        // What is past is past.
        assert_eq!(queue.reserved([&a].into_iter(), || now + 30 * MILLI), Duration::ZERO);
    }

    #[test]
    fn nobody_waits_for_longer_than_the_bound() {
        let (queue, now) = (queue(), Duration::from_secs(5));
        let a = Key::from_text("a");
        let waits: Vec<_> =
            (0..1_000).map(|_| queue.reserve([&a].into_iter(), [].into_iter(), now)).collect();
        assert_eq!(waits.into_iter().max(), Some(LONGEST_WAIT));
        assert!(queue.reserved([&a].into_iter(), || now) <= LONGEST_WAIT);
    }

    #[test]
    fn a_namespace_reserves_time_on_the_engines_records() {
        let (queue, now) = (queue(), Duration::from_secs(5));
        queue.within("acme:").reserve([&Key::from_text("a")].into_iter(), [].into_iter(), now);
        let wait = |key| queue.reserved([&Key::from_text(key)].into_iter(), || now);
        assert_eq!((about(wait("acme:a"), 8), wait("a")), (true, Duration::ZERO));
    }

    #[test]
    fn what_has_passed_is_forgotten() {
        let queue = queue();
        for number in 0..10_000_u32 {
            let key = Key::from_text(format!("k:{number}"));
            queue.reserve([&key].into_iter(), [].into_iter(), 10 * MILLI * number);
        }
        assert!(queue.lines.pace.lock().len() <= FEW + 1);
    }
}
