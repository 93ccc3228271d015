//! Time: milliseconds since the Unix epoch, from the system or from a test.

#[cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), path = "clock/web.rs")]
mod system;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::maybe_send::BoxFuture;
use crate::timer::Timer;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use system::instant;

/// A moment, in milliseconds since the Unix epoch.
///
/// At most 2⁴⁸ − 1 (the year 10889), which six bytes of an envelope and every JSON number hold
/// exactly; later moments are cut to that one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// One more than the milliseconds, so that `Option<Timestamp>`, of which every record has
    /// three, takes no more room.
    NonZeroU64,
);

const _: () = assert!(size_of::<Option<Timestamp>>() == size_of::<u64>());

impl Timestamp {
    /// The latest moment that can be represented.
    pub const MAX: Timestamp = Timestamp(NonZeroU64::MIN.saturating_add((1 << 48) - 1));

    /// Returns the moment `millis` milliseconds after the Unix epoch, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.as_millis() { Self::MAX } else { Self(NonZeroU64::MIN.saturating_add(millis)) }
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0.get() - 1
    }

    /// Returns this moment plus `duration`, rounded up to a whole millisecond, at most
    /// [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        Self::from_millis(self.as_millis().saturating_add(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// Returns the time from `earlier` to this moment, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.as_millis())
    }
}

/// Moments before the epoch become the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(timestamp.as_millis())
    }
}

/// Serialized as a number of milliseconds.
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_millis())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <u64 as serde::Deserialize>::deserialize(deserializer).map(Self::from_millis)
    }
}

/// A source of time for a store, and the timer that waits for it.
///
/// Expiry, `createdAt`, `migratedAt`, rates and timeouts all use the store's clock. So a test that
/// sets this one clock controls them all.
///
/// ```
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

#[cfg(feature = "cache")]
impl Clock {
    /// The present moment or one shortly before it ([`lag`](Self::lag)), for a tenth of what
    /// [`now`](Self::now) costs on Linux.
    #[inline]
    pub(crate) fn coarse(&self) -> Timestamp {
        match &self.source {
            Source::System => system::coarse(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// Returns monotonic milliseconds at the same cost. They count from another start than those of
    /// [`monotonic`](Self::monotonic).
    #[inline]
    pub(crate) fn coarse_monotonic(&self) -> u64 {
        match &self.source {
            Source::System => system::coarse_monotonic(),
            Source::Manual(manual) => u64::try_from(manual.monotonic().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// How much the time of day may gain on the monotonic clock before a cache takes it for a step.
    /// Gradual corrections gain so much in a few minutes.
    pub(crate) fn tolerance(&self) -> Duration {
        match &self.source {
            Source::System => Duration::from_millis(250),
            Source::Manual(_) => Duration::ZERO,
        }
    }

    /// How far [`coarse`](Self::coarse) may be behind [`now`](Self::now).
    pub(crate) fn lag(&self) -> Duration {
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
pub(crate) enum Stopwatch {
    /// The system's, which no correction of the time of day moves.
    System(system::Stopwatch),
    Manual(ManualClock, Duration),
}

impl Stopwatch {
    pub(crate) fn start(clock: &Clock) -> Self {
        match &clock.source {
            Source::System => Self::System(system::Stopwatch::start()),
            Source::Manual(manual) => Self::Manual(manual.clone(), manual.monotonic()),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::System(start) => start.elapsed(),
            Self::Manual(manual, start) => manual.monotonic().saturating_sub(*start),
        }
    }
}

/// A clock that a test moves. Clones are one clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hand>);

#[derive(Debug)]
struct Hand {
    /// The time of day.
    now: AtomicU64,
    /// Milliseconds that have passed.
    monotonic: AtomicU64,
    moved: Notify,
}

impl ManualClock {
    /// Returns a clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let hand = Hand {
            now: AtomicU64::new(start.as_millis()),
            monotonic: AtomicU64::new(0),
            moved: Notify::new(),
        };
        Self(Arc::new(hand))
    }

    /// Returns the moment that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now.load(Ordering::SeqCst))
    }

    /// Returns how much time has passed since the clock was made: [`Clock::monotonic`].
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.monotonic.load(Ordering::SeqCst))
    }

    /// Sets the clock to another moment. If it is later, the time between has passed. If it is
    /// earlier, the time of day was set back, and no time has passed.
    pub fn set(&self, now: Timestamp) {
        let before = self.0.now.swap(now.as_millis(), Ordering::SeqCst);
        self.0.monotonic.fetch_add(now.as_millis().saturating_sub(before), Ordering::SeqCst);
        self.0.moved.notify_waiters();
    }

    /// Sets the time of day, earlier or later, without any time passing. Timers keep waiting.
    pub fn set_time_of_day(&self, now: Timestamp) {
        self.0.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock forward by `duration`, rounded up to a whole millisecond.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }

    /// Waits until `duration` has passed.
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (clock, due) = (self.clone(), self.monotonic().saturating_add(duration));
        Box::pin(async move {
            loop {
                // It hears of every move from here on, so none can slip between the look and the
                // wait.
                let moved = clock.0.moved.notified();
                if clock.monotonic() >= due {
                    return;
                }
                moved.await;
            }
        })
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
