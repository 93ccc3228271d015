//! What memory holds under an id, and for how long.
//!
//! An entry is two words. Each hit copies it, and compared with a bare `Arc` in the map 16 bytes
//! cost nothing. 24 bytes made a hit a seventh slower, and more than half slower together with the
//! clock. So the second word has everything except the entity.

use std::sync::Arc;
use std::time::Duration;

use super::config::Settings;

/// An entity in memory. Its states follow one another: fresh, then due (it is served and
/// refreshed), then stale, then dead.
pub(super) struct Entry<E> {
    pub(super) value: Arc<E>,
    /// From the highest bit: when it is due, 41 bits of milliseconds (69 years) by the monotonic
    /// clock; how long it then stays fresh, in fifteenths of the cache's maximum, 4 bits; how long
    /// it then is stale, in 127ths of the cache's maximum, 7 bits; whether its record expires, 1
    /// bit; whether it is only for loads, 1 bit; its weight, 10 bits.
    word: u64,
}

/// A moment by the monotonic clock, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) u64);

impl Moment {
    /// The latest moment that an entry can store.
    const MAX: Self = Self(u64::MAX >> DUE_AT_SHIFT);

    pub(super) fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    pub(super) fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    pub(super) const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

const WEIGHT_BITS: u32 = 10;
const FOR_LOADS: u64 = 1 << WEIGHT_BITS;
const EXPIRES: u64 = 1 << (WEIGHT_BITS + 1);
const STALE_BITS: u32 = 7;
const STALE_SHIFT: u32 = WEIGHT_BITS + 2;
const DUE_BITS: u32 = 4;
const DUE_SHIFT: u32 = STALE_SHIFT + STALE_BITS;
const DUE_AT_SHIFT: u32 = DUE_SHIFT + DUE_BITS;

/// The state of an entry at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    Due,
    Stale,
    Dead,
}

/// How long entries of a cache are due and stale at most, in milliseconds. Entries store fractions
/// of these.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    due: u64,
    stale: u64,
}

/// The times that limit an entry.
pub(super) struct Lifetime {
    /// The start of the TTL.
    pub(super) since: Moment,
    pub(super) ttl: Duration,
    /// When its record expires.
    pub(super) end: Option<Moment>,
    /// How long it may be stale at most. A cache's TTL limits only how long it is fresh.
    pub(super) stale_end: Option<Moment>,
}

impl Spans {
    pub(super) fn of(settings: &Settings) -> Self {
        // With jitter the shortest TTL is the measure, so that the part is whole for every entry.
        let ttl = settings.memory_ttl.mul_f64(1.0 - settings.jitter);
        let due = settings.refresh_at.map_or(Duration::ZERO, |share| ttl.mul_f64(1.0 - share));
        let bounded = |span: Duration| Moment::MAX.0.min(millis(span));
        Self { due: bounded(due), stale: bounded(settings.stale_for) }
    }
}

impl<E> Entry<E> {
    pub(super) fn new(
        value: Arc<E>,
        weight: u64,
        lifetime: &Lifetime,
        settings: &Settings,
        spans: Spans,
    ) -> Self {
        let Lifetime { since, ttl, end, stale_end } = *lifetime;
        let fresh_until = since.saturating_add(settings.jittered(ttl)).min(end.unwrap_or(Moment::MAX));
        let stale_until =
            fresh_until.saturating_add(settings.stale_for).min(stale_end.unwrap_or(Moment::MAX));
        let due_for = match settings.refresh_at {
            Some(share) => fresh_until.saturating_since(since).mul_f64(1.0 - share),
            None => Duration::ZERO,
        };
        let constant = weight_code(weight) | if end.is_some() { EXPIRES } else { 0 };
        Self { value, word: pack(fresh_until, due_for, stale_until, constant, spans) }
    }

    /// Returns whether it is fresh and not due.
    #[inline]
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        now < self.due_at()
    }

    /// Returns whether its record expires. Such an entry also ends by the time of day.
    #[inline]
    pub(super) fn expires(&self) -> bool {
        self.word & EXPIRES != 0
    }

    pub(super) fn age(&self, now: Moment, spans: Spans) -> Age {
        if self.is_fresh(now) {
            Age::Fresh
        } else if now < self.fresh_until(spans) {
            Age::Due
        } else if now < self.stale_until(spans) {
            Age::Stale
        } else {
            Age::Dead
        }
    }

    /// Rounded up, by a sixteenth at most.
    #[inline]
    pub(super) fn weight(&self) -> u64 {
        code_weight(self.word & mask(WEIGHT_BITS))
    }

    /// Returns the entry after the store said that it has no such record: no longer fresh, stale no
    /// longer than before, and only for loads.
    pub(super) fn for_loads(self, now: Moment, spans: Spans) -> Self {
        let fresh_until = self.fresh_until(spans).min(now);
        let constant = (self.word & mask(STALE_SHIFT)) | FOR_LOADS;
        let word = pack(fresh_until, Duration::ZERO, self.stale_until(spans), constant, spans);
        Self { value: self.value, word }
    }

    /// Returns whether only a load may serve it.
    pub(super) fn is_for_loads(&self) -> bool {
        self.word & FOR_LOADS != 0
    }

    #[inline]
    fn due_at(&self) -> Moment {
        Moment(self.word >> DUE_AT_SHIFT)
    }

    fn fresh_until(&self, spans: Spans) -> Moment {
        let part = self.word >> DUE_SHIFT;
        after(self.due_at(), whole(part & mask(DUE_BITS), DUE_BITS, spans.due))
    }

    fn stale_until(&self, spans: Spans) -> Moment {
        let part = self.word >> STALE_SHIFT;
        after(self.fresh_until(spans), whole(part & mask(STALE_BITS), STALE_BITS, spans.stale))
    }
}

/// Fractions are rounded down, so that nothing is served too long. The end of freshness is exact.
/// `constant` has the bits that are not times.
fn pack(fresh_until: Moment, due_for: Duration, stale_until: Moment, constant: u64, spans: Spans) -> u64 {
    let fresh_until = fresh_until.min(Moment::MAX);
    let stale_for = stale_until.saturating_since(fresh_until);
    let (due, stale) = (part(due_for, DUE_BITS, spans.due), part(stale_for, STALE_BITS, spans.stale));
    let due_at = fresh_until.0.saturating_sub(whole(due, DUE_BITS, spans.due));
    (due_at << DUE_AT_SHIFT) | (due << DUE_SHIFT) | (stale << STALE_SHIFT) | constant
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

fn after(moment: Moment, millis: u64) -> Moment {
    Moment(moment.0 + millis)
}

/// Rounded down.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Converts a duration to a fraction of a span.
fn part(duration: Duration, bits: u32, span: u64) -> u64 {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(span);
    (millis * mask(bits)).checked_div(span).unwrap_or(0)
}

/// Converts a fraction of a span to milliseconds.
fn whole(part: u64, bits: u32, span: u64) -> u64 {
    part * span / mask(bits)
}

/// Encodes a weight as a small floating-point number: exact below 16, above with five significant
/// bits, rounded up. A weight of zero counts as one, or the entity would never be evicted.
fn weight_code(weight: u64) -> u64 {
    let weight = weight.max(1);
    if weight < 16 {
        return weight;
    }
    let exponent = u64::from(weight.ilog2()) - 4;
    let mantissa = ((weight - 1) >> exponent) + 1;
    // A mantissa of 32 is 16 with the next exponent, which is what the sum comes to.
    (exponent << 4) + mantissa
}

#[inline]
fn code_weight(code: u64) -> u64 {
    if code < 32 {
        return code;
    }
    let exponent = (code >> 4) - 1;
    u64::try_from(u128::from(16 + (code & 15)) << exponent).unwrap_or(u64::MAX)
}

impl Settings {
    /// Returns a TTL, shortened at random.
    pub(super) fn jittered(&self, ttl: Duration) -> Duration {
        if self.jitter == 0.0 { ttl } else { ttl.mul_f64(1.0 - self.jitter * fastrand::f64()) }
    }
}

impl<E> Clone for Entry<E> {
    #[inline]
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), word: self.word }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SINCE: Moment = Moment(1_700_000_000);

    fn entry(settings: &Settings, ttl: Duration, expires_after: Option<Duration>) -> (Entry<()>, Spans) {
        let lifetime = Lifetime {
            since: SINCE,
            ttl,
            end: expires_after.map(|after| SINCE.saturating_add(after)),
            stale_end: expires_after.map(|after| SINCE.saturating_add(after)),
        };
        let spans = Spans::of(settings);
        (Entry::new(Arc::new(()), 1, &lifetime, settings, spans), spans)
    }

    #[test]
    fn an_entry_is_two_words() {
        assert_eq!(size_of::<Entry<String>>(), 16);
    }

    #[test]
    fn what_is_set_is_kept_to_the_millisecond() {
        let settings = Settings {
            jitter: 0.0,
            refresh_at: Some(0.75),
            stale_for: Duration::from_millis(1_234_567),
            ..Settings::default()
        };
        let (entry, spans) = entry(&settings, settings.memory_ttl, None);
        let at = |millis| entry.age(after(SINCE, millis), spans);
        assert_eq!([at(44_999), at(45_000)], [Age::Fresh, Age::Due]);
        assert_eq!([at(59_999), at(60_000)], [Age::Due, Age::Stale]);
        assert_eq!([at(60_000 + 1_234_566), at(60_000 + 1_234_567)], [Age::Stale, Age::Dead]);
    }

    proptest! {
        #[test]
        fn no_time_is_exceeded(
            ttl in 0_u64..1 << 43,
            expires_after in prop::option::of(0_u64..1 << 43),
            stale_for in 0_u64..1 << 43,
            share in 0.0..1.0,
            later in 0_u64..1 << 43,
        ) {
            let millis = Duration::from_millis;
            let settings =
                Settings { jitter: 0.0, refresh_at: Some(share), stale_for: millis(stale_for), ..Settings::default() };
            let (entry, spans) = entry(&settings, millis(ttl), expires_after.map(millis));
            let end = expires_after.unwrap_or(u64::MAX);
            let (fresh, stale) = (ttl.min(end), (ttl + stale_for).min(end));
            let age = entry.age(after(SINCE, later), spans);
            prop_assert!(later < fresh || matches!(age, Age::Stale | Age::Dead));
            prop_assert!(later < stale || age == Age::Dead);
            let moment = after(SINCE, later.min(1 << 39));
            let kept = entry.clone().for_loads(moment, spans);
            prop_assert!(kept.is_for_loads() && kept.weight() == entry.weight() && !entry.is_for_loads());
            prop_assert!(matches!(kept.age(moment, spans), Age::Stale | Age::Dead));
            prop_assert!(age != Age::Dead || kept.age(after(SINCE, later), spans) == Age::Dead);
            prop_assert_eq!(entry.expires(), expires_after.is_some());
        }

        #[test]
        fn a_weight_is_rounded_up_by_a_sixteenth_at_most(weight: u64) {
            let code = weight_code(weight);
            prop_assert!(code <= mask(WEIGHT_BITS));
            let rounded = code_weight(code);
            prop_assert!(rounded >= weight && rounded <= weight.saturating_add(weight / 16).max(1));
        }
    }
}
