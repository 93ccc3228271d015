//! The system's clocks: the one place that reads them.

use std::time::{Duration, Instant, SystemTime};

use super::Timestamp;

#[expect(clippy::disallowed_methods, reason = "what `Clock` is made of")]
pub(super) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// How long something takes, by a clock that nothing sets: for reports, never for expiry.
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a duration for a report, which no test sets")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
