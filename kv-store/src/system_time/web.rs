//! JavaScript's clock, in the place of std's, which panic on wasm32-unknown-unknown.
//!
//! In a Worker it stands still while code runs, and moves on at each request to the outside.

use std::cell::Cell;
use std::time::Duration;

use crate::timestamp::Timestamp;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}

thread_local! {
    /// What JavaScript's clock showed last, and how often it was set back by how much, in
    /// milliseconds.
    static SHOWN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// JavaScript's clock without its steps back. `performance.now()` is not on every host.
pub(crate) fn monotonic() -> Duration {
    let now = now().as_millis();
    SHOWN.with(|shown| {
        let (last, set_back) = shown.get();
        let set_back = set_back + last.saturating_sub(now);
        shown.set((now, set_back));
        Duration::from_millis(now + set_back)
    })
}

#[cfg(feature = "__cache")]
pub(crate) fn coarse_monotonic() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(feature = "__cache")]
pub(crate) use now as coarse;

#[cfg(feature = "__cache")]
pub(crate) const COARSE_LAG: Duration = Duration::ZERO;

/// How long something takes: in whole milliseconds, as no finer clock is on every host of wasm.
#[derive(Debug)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(monotonic())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        monotonic().saturating_sub(self.0)
    }
}
