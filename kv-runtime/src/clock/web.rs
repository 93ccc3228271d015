//! JavaScript's clock, in the place of std's, which panic on wasm32-unknown-unknown.
//!
//! In a Worker it stands still while code runs, and moves on at each request to the outside.

use std::time::Duration;

use super::Timestamp;

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}

#[cfg(feature = "cache")]
pub(super) use now as coarse;

#[cfg(feature = "cache")]
pub(super) const COARSE_LAG: Duration = Duration::ZERO;

/// How long something takes: in whole milliseconds, as no finer clock is on every host of wasm.
#[derive(Debug)]
pub(crate) struct Stopwatch(Timestamp);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        now().saturating_since(self.0)
    }
}
