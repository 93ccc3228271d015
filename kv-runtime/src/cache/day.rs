//! The time of day beside the monotonic clock: spans go by the one, and the expiry of records by the other.

use std::sync::atomic::{AtomicI64, Ordering};

use super::entry::Moment;
use crate::clock::{Clock, Timestamp};

/// How far the time of day was before the monotonic clock when entries were made that end with their records. If it gains on that
/// clock, such records expire before their entries end.
pub(super) struct Day {
    /// The least of all such entries', in milliseconds.
    ahead: AtomicI64,
}

impl Day {
    pub(super) fn of(clock: &Clock) -> Self {
        Self { ahead: AtomicI64::new(ahead(clock)) }
    }

    /// When a record ends that expires at this time of day. The coarse clocks lag, and no record is served beyond its expiry.
    pub(super) fn end(&self, expires_at: Timestamp, clock: &Clock) -> Moment {
        self.ahead.fetch_min(ahead(clock), Ordering::Relaxed);
        let left = expires_at.saturating_since(clock.coarse());
        let end = Moment(clock.coarse_monotonic()).saturating_add(left);
        end.saturating_sub(clock.lag() + clock.tolerance())
    }

    /// Whether the time of day has not been set forward. If it has, what ends with its record is to be forgotten.
    #[inline]
    pub(super) fn is_steady(&self, clock: &Clock) -> bool {
        ahead(clock) <= self.ahead.load(Ordering::Relaxed) + clock.tolerance().as_millis() as i64
    }

    /// What was made before the step is forgotten.
    pub(super) fn accept_step(&self, clock: &Clock) {
        self.ahead.store(ahead(clock), Ordering::Relaxed);
    }
}

/// How far the time of day is before the monotonic clock.
#[inline]
fn ahead(clock: &Clock) -> i64 {
    clock.coarse().as_millis() as i64 - clock.coarse_monotonic() as i64
}
