//! When expired rows are removed.

use std::time::Duration;

use kv_store::Timestamp;

/// Sweeps are at least so far apart. An expired record is invisible at once; this is how long it
/// may keep its place.
const PAUSE: Duration = Duration::from_secs(60);

/// The pause if a sweep has left expired rows, so that they do not pile up.
const PAUSE_BEHIND: Duration = Duration::from_secs(1);

/// When to sweep next, if the first record expires at this time.
pub(super) fn next(first: Timestamp, now: Timestamp) -> Timestamp {
    let pause = if first <= now { PAUSE_BEHIND } else { PAUSE };
    first.max(now.saturating_add(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000 + 1_000 * seconds)
    }

    #[test]
    fn records_are_swept_when_they_expire() {
        assert_eq!(next(after(90), after(0)), after(90));
    }

    #[test]
    fn sweeps_are_a_minute_apart() {
        assert_eq!(next(after(2), after(0)), after(60));
    }

    #[test]
    fn what_a_sweep_left_is_swept_soon() {
        assert_eq!(next(after(0), after(100)), after(101));
    }
}
