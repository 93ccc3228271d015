//! When the earlier writes of a store are over, also those whose outcome is unknown.

use std::time::Duration;

use crate::clock::Clock;

/// A point in the sequence of a store's calls: [`Store::mark`](super::Store::mark). Only the store
/// knows what its number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

/// How long after it was made a [mark](super::Store::mark) settles by default.
pub const SETTLES_AFTER: Duration = Duration::from_secs(30);

impl Mark {
    /// The mark with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    pub(super) fn by(clock: &Clock) -> Self {
        Self(millis(clock.monotonic().saturating_add(SETTLES_AFTER)))
    }

    pub(super) fn has_passed(self, clock: &Clock) -> bool {
        millis(clock.monotonic()) >= self.0
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
