//! The system's clocks: the one place that reads them.

use std::time::{Duration, Instant, SystemTime};

use super::Timestamp;

#[expect(clippy::disallowed_methods, reason = "what `Clock` is made of")]
pub(super) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// How long something takes, by a clock that no correction of the time of day moves.
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "what a stopwatch is made of")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
