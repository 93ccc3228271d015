//! When the earlier writes of a store are over, also those whose outcome is unknown.

use std::time::Duration;

use crate::clock::Clock;

/// A point in the sequence of a store's calls: [`StoreInfo::mark`](super::StoreInfo::mark). Only the
/// store knows what its number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

/// How long after it was made a [mark](super::StoreInfo::mark) settles by default.
pub const SETTLES_AFTER: Duration = Duration::from_secs(30);

/// What a store knows of its earlier calls. Neither method may block.
pub trait Settle {
    /// Returns a mark of now.
    fn mark(&self) -> Mark;

    /// Whether no call before the mark can change a record any more. A settled mark MUST stay
    /// settled, and a later mark MUST NOT settle before an earlier one.
    fn has_settled(&self, mark: Mark) -> bool;
}

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
}

/// Settles some time after the mark, by the clock.
pub(super) struct AfterAWhile<'a>(pub(super) &'a Clock);

impl Settle for AfterAWhile<'_> {
    fn mark(&self) -> Mark {
        Mark(millis(self.0.monotonic().saturating_add(SETTLES_AFTER)))
    }

    fn has_settled(&self, mark: Mark) -> bool {
        millis(self.0.monotonic()) >= mark.0
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
