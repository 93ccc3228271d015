//! The time of day beside the monotonic clock: records expire by the first, spans end by the
//! second.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kv_store::{Clock, Timestamp};

use super::entry::Moment;

/// Watches whether the time of day gains on the monotonic clock. If it does, records expire before
/// their entries end.
pub(super) struct Day {
    /// The smallest lead of the time of day, in milliseconds, at which an entry with an expiring
    /// record was made.
    ahead: AtomicI64,
    /// How often the time of day was set forward.
    steps: AtomicU64,
}

impl Day {
    pub(super) fn of(clock: &Clock) -> Self {
        Self { ahead: AtomicI64::new(ahead(clock)), steps: AtomicU64::new(0) }
    }

    /// Returns when an entry must end whose record expires at this time of day. The coarse clocks
    /// lag, so it ends a little early.
    pub(super) fn end(&self, expires_at: Timestamp, clock: &Clock) -> Moment {
        self.ahead.fetch_min(ahead(clock), Ordering::Relaxed);
        let left = expires_at.saturating_since(clock.coarse());
        let end = Moment(clock.coarse_monotonic()).saturating_add(left);
        end.saturating_sub(clock.lag() + clock.tolerance())
    }

    /// Returns whether the time of day was not set forward. If it was, the caller forgets all
    /// entries whose records expire.
    #[inline]
    pub(super) fn is_steady(&self, clock: &Clock) -> bool {
        ahead(clock) <= self.ahead.load(Ordering::Relaxed) + clock.tolerance().as_millis() as i64
    }

    /// Returns how often the time of day was set forward. An entry from before a step must not be
    /// held after it, if its record expires.
    pub(super) fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    /// Call this before entries are forgotten because of a step.
    pub(super) fn begin_step(&self) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }

    /// Call this after all entries from before the step are forgotten.
    pub(super) fn accept_step(&self, clock: &Clock) {
        self.ahead.store(ahead(clock), Ordering::Relaxed);
    }
}

/// Returns the lead of the time of day over the monotonic clock, in milliseconds.
#[inline]
fn ahead(clock: &Clock) -> i64 {
    clock.coarse().as_millis() as i64 - clock.coarse_monotonic() as i64
}
