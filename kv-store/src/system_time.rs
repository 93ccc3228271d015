//! The system's clocks: the one place that reads them.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use crate::timestamp::Timestamp;

#[expect(clippy::disallowed_methods, reason = "`Clock` is built on it")]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// What the monotonic clock counts from.
#[expect(clippy::disallowed_methods, reason = "`Clock` is built on it")]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn monotonic() -> Duration {
    START.elapsed()
}

/// The moment of the kernel's last tick, which is read without a hardware clock.
#[cfg(all(feature = "__cache", target_os = "linux"))]
#[inline]
pub(crate) fn coarse() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    // A hit of a cache is so short that it shows what checked steps would cost. Before 1970 nothing
    // is fresh.
    let (seconds, nanos) = (time.tv_sec as u64, time.tv_nsec as u32);
    Timestamp::from_millis(seconds.wrapping_mul(1_000).wrapping_add(u64::from(nanos / 1_000_000)))
}

/// Likewise, milliseconds since the machine was started.
#[cfg(all(feature = "__cache", target_os = "linux"))]
#[inline]
pub(crate) fn coarse_monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    let (seconds, nanos) = (time.tv_sec as u64, time.tv_nsec as u32);
    seconds.wrapping_mul(1_000).wrapping_add(u64::from(nanos / 1_000_000))
}

#[cfg(all(feature = "__cache", not(target_os = "linux")))]
pub(crate) fn coarse_monotonic() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// How far that lags at most: a tick of the slowest kernel.
#[cfg(all(feature = "__cache", target_os = "linux"))]
pub(crate) const COARSE_LAG: Duration = Duration::from_millis(10);

#[cfg(all(feature = "__cache", not(target_os = "linux")))]
pub(crate) use now as coarse;

#[cfg(all(feature = "__cache", not(target_os = "linux")))]
pub(crate) const COARSE_LAG: Duration = Duration::ZERO;

/// The present moment of the clock that no correction of the time of day moves.
#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::disallowed_methods, reason = "the clock of the system's timer")]
pub fn instant() -> Instant {
    Instant::now()
}

/// How long something takes, by a clock that no correction of the time of day moves.
#[derive(Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "what a stopwatch is made of")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
