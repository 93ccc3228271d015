//! The clock of a store: the system's, or a test's.

use std::time::Duration;

use crate::manual_clock::ManualClock;
use crate::system_time as system;
use crate::timer::Timer;
use crate::timestamp::Timestamp;

/// A source of time for a store, and the timer that waits for it.
///
/// Expiry, `createdAt`, `migratedAt`, rates and timeouts all use the store's clock. So a test that
/// sets this one clock controls them all.
///
/// ```
/// # extern crate kv_runtime_store as kv_runtime;
/// use kv_runtime::{Clock, ManualClock, Timestamp};
/// use std::time::Duration;
///
/// let manual = ManualClock::new(Timestamp::from_millis(1_000));
/// let clock = Clock::from(&manual);
/// manual.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), Timestamp::from_millis(3_000));
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    timer: Timer,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(ManualClock),
}

impl Clock {
    /// Returns the system's clock, with the system's timer ([`Timer::system`]). On wasm32 it has no
    /// timer until it is given one.
    #[must_use]
    pub const fn system() -> Self {
        Self { source: Source::System, timer: Timer::default_of_system() }
    }

    /// Returns the same clock with another timer.
    #[must_use]
    pub fn with_timer(mut self, timer: Timer) -> Self {
        self.timer = timer;
        self
    }

    /// Returns the timer that this clock waits with.
    #[must_use]
    pub const fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System => system::now(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// Returns the time since an arbitrary start. It never goes back, and setting the time of day
    /// does not move it. Use it for spans: how long to remember something or to wait.
    ///
    /// It may stand still while the machine sleeps.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::System => system::monotonic(),
            Source::Manual(manual) => manual.monotonic(),
        }
    }
}

/// What caches need. They read the clock at each hit.
#[cfg(feature = "__cache")]
#[doc(hidden)]
impl Clock {
    /// The present moment or one shortly before it ([`lag`](Self::lag)), for a tenth of what
    /// [`now`](Self::now) costs on Linux.
    #[inline]
    pub fn coarse(&self) -> Timestamp {
        match &self.source {
            Source::System => system::coarse(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// Returns monotonic milliseconds at the same cost. They count from another start than those of
    /// [`monotonic`](Self::monotonic).
    #[inline]
    pub fn coarse_monotonic(&self) -> u64 {
        match &self.source {
            Source::System => system::coarse_monotonic(),
            Source::Manual(manual) => u64::try_from(manual.monotonic().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// How much the time of day may gain on the monotonic clock before a cache takes it for a step.
    /// Gradual corrections gain so much in a few minutes.
    pub fn tolerance(&self) -> Duration {
        match &self.source {
            Source::System => Duration::from_millis(250),
            Source::Manual(_) => Duration::ZERO,
        }
    }

    /// How far [`coarse`](Self::coarse) may be behind [`now`](Self::now).
    pub fn lag(&self) -> Duration {
        match &self.source {
            Source::System => system::COARSE_LAG,
            Source::Manual(_) => Duration::ZERO,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Waits until the manual clock is moved so far.
impl From<&ManualClock> for Clock {
    fn from(manual: &ManualClock) -> Self {
        Self { source: Source::Manual(manual.clone()), timer: Timer::from(manual) }
    }
}

/// How long something takes, by a clock: for reports and rates, never for expiry.
#[derive(Debug)]
pub enum Stopwatch {
    /// The system's, which no correction of the time of day moves.
    System(system::Stopwatch),
    /// A test's, and what it showed at the start.
    Manual(ManualClock, Duration),
}

impl Stopwatch {
    /// Starts it.
    pub fn start(clock: &Clock) -> Self {
        match &clock.source {
            Source::System => Self::System(system::Stopwatch::start()),
            Source::Manual(manual) => Self::Manual(manual.clone(), manual.monotonic()),
        }
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        match self {
            Self::System(start) => start.elapsed(),
            Self::Manual(manual, start) => manual.monotonic().saturating_sub(*start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_of_the_time_of_day_is_no_time_that_passes() {
        let manual = ManualClock::new(Timestamp::from_millis(10_000));
        let clock = Clock::from(&manual);
        let second = Duration::from_secs(1);
        manual.advance(second);
        assert_eq!(clock.monotonic(), second);
        manual.set(Timestamp::from_millis(1_000));
        manual.set_time_of_day(Timestamp::from_millis(90_000));
        assert_eq!((clock.monotonic(), clock.now().as_millis()), (second, 90_000));
        manual.set(Timestamp::from_millis(91_000));
        assert_eq!(clock.monotonic(), 2 * second);
    }

    #[test]
    fn the_systems_monotonic_clock_goes_on() {
        let clock = Clock::system();
        let (before, stopwatch) = (clock.monotonic(), Stopwatch::start(&clock));
        while stopwatch.elapsed() < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        assert!(clock.monotonic() - before >= Duration::from_millis(19));
    }
}
