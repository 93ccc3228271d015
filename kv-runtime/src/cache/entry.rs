//! What the memory holds under an id, and how long.

use std::sync::Arc;
use std::time::Duration;

use super::config::Settings;
use crate::clock::{Clock, Timestamp};

/// An entity in memory. Its times follow one another: until `due_at` it is served and nothing is done, then it is served and a refresh is
/// due, then it is stale, then dead. They are kept small, since they are copied with each hit.
pub(super) struct Entry<E> {
    pub(super) value: Arc<E>,
    due_at: Timestamp,
    /// Milliseconds for which it is fresh after `due_at`.
    due_for: u32,
    /// Milliseconds for which it is stale after that.
    stale_for: u32,
    pub(super) weight: u64,
}

/// How good an entry is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    Due,
    Stale,
    Dead,
}

/// What bounds an entry in time.
pub(super) struct Lifetime {
    /// From when the TTL counts.
    pub(super) since: Timestamp,
    pub(super) ttl: Duration,
    /// When the record behind it expires.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether it may be stale after that: a cache's TTL bounds what is fresh alone.
    pub(super) stale_beyond: bool,
}

impl<E> Entry<E> {
    pub(super) fn new(
        value: Arc<E>,
        weight: u64,
        lifetime: &Lifetime,
        settings: &Settings,
        clock: &Clock,
    ) -> Self {
        let Lifetime { since, ttl, expires_at, stale_beyond } = *lifetime;
        // The coarse clock lags, and a record is not served beyond its expiry.
        let end = expires_at.map_or(Timestamp::MAX, |at| at.saturating_sub(clock.lag()));
        let fresh_until = since.saturating_add(settings.jittered(ttl)).min(end);
        let fresh = fresh_until.saturating_since(since);
        let due_at =
            settings.refresh_at.map_or(fresh_until, |share| since.saturating_add(fresh.mul_f64(share)));
        let stale_end = if stale_beyond { Timestamp::MAX } else { end };
        let stale_until = fresh_until.saturating_add(settings.stale_for).min(stale_end);
        Self {
            value,
            due_at,
            due_for: millis_between(due_at, fresh_until),
            stale_for: millis_between(fresh_until, stale_until),
            weight,
        }
    }

    #[inline]
    pub(super) fn age(&self, now: Timestamp) -> Age {
        if now < self.due_at {
            return Age::Fresh;
        }
        let since = now.as_millis() - self.due_at.as_millis();
        if since < u64::from(self.due_for) {
            Age::Due
        } else if since < u64::from(self.due_for) + u64::from(self.stale_for) {
            Age::Stale
        } else {
            Age::Dead
        }
    }

    /// Whether it could be served after this moment.
    pub(super) fn outlives(&self, moment: Timestamp) -> bool {
        let end = self.due_at.as_millis() + u64::from(self.due_for) + u64::from(self.stale_for);
        end > moment.as_millis()
    }

    /// The same entry, which ends with its record at the latest.
    pub(super) fn ending_at(mut self, expires_at: Timestamp, clock: &Clock) -> Self {
        let end = expires_at.saturating_sub(clock.lag());
        let fresh_until = Timestamp::from_millis(self.due_at.as_millis() + u64::from(self.due_for));
        let stale_until = Timestamp::from_millis(fresh_until.as_millis() + u64::from(self.stale_for));
        self.due_at = self.due_at.min(end);
        self.due_for = millis_between(self.due_at, fresh_until.min(end));
        self.stale_for = millis_between(fresh_until.min(end), stale_until.min(end));
        self
    }
}

impl Settings {
    /// A TTL, shortened at random.
    pub(super) fn jittered(&self, ttl: Duration) -> Duration {
        if self.jitter == 0.0 { ttl } else { ttl.mul_f64(1.0 - self.jitter * fastrand::f64()) }
    }
}

/// At most 49 days, after which nothing is stale or due that anybody would want to have.
fn millis_between(from: Timestamp, to: Timestamp) -> u32 {
    u32::try_from(to.saturating_since(from).as_millis()).unwrap_or(u32::MAX)
}

impl<E> Clone for Entry<E> {
    #[inline]
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}
