//! Cooperative yields: long work gives the executor's thread back to other tasks.
//!
//! They work on every executor: a yield is a future that wakes itself and is pending once. Calls on
//! one entity never yield.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::clock::{Clock, Stopwatch};

/// After so long work yields. Half of what an executor's thread may be held for: the work between
/// two looks at the clock is added.
const LONGEST_HOLD: Duration = Duration::from_millis(5);

/// How much work is done between two looks at the clock. A look costs as much as a small record.
const UNLOOKED: usize = 16 << 10;

/// What each piece of work counts for beside its bytes.
const PIECE: usize = 256;

/// A call of a store over so many records may take milliseconds in one go, as a batch of a store in
/// memory is made at one moment.
const MANY: usize = 1_000;

/// Lets other tasks run before this one goes on.
pub async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// For how long the executor's thread has been held.
///
/// It reads the system's clock, whatever the store's clock is: a test's clock stands still while
/// the thread is held.
#[derive(Debug)]
pub struct Hold {
    since: Stopwatch,
    unlooked: usize,
}

impl Hold {
    /// Counts from now on.
    pub fn begin() -> Self {
        Self { since: Stopwatch::start(&Clock::system()), unlooked: 0 }
    }

    /// Counts a piece of work over so many bytes; true once the thread has been held for long.
    pub fn is_long_after(&mut self, bytes: usize) -> bool {
        self.unlooked = self.unlooked.saturating_add(bytes).saturating_add(PIECE);
        if self.unlooked < UNLOOKED {
            return false;
        }
        self.unlooked = 0;
        self.since.elapsed() >= LONGEST_HOLD
    }

    /// Counts a piece of work over so many bytes, and yields if the thread has been held for long.
    pub async fn yield_after(&mut self, bytes: usize) {
        if self.is_long_after(bytes) {
            yield_now().await;
            *self = Self::begin();
        }
    }

    /// Yields before or after a call of a store over so many records, if these are many. So that call
    /// and what is done beside it do not add up.
    pub async fn yield_at_batch(&mut self, records: usize) {
        if records >= MANY {
            yield_now().await;
            *self = Self::begin();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_yield_is_pending_once() {
        let mut future = pin!(yield_now());
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(future.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn calls_over_many_records_are_apart_from_other_work() {
        let mut context = Context::from_waker(Waker::noop());
        let mut hold = Hold::begin();
        assert!(pin!(hold.yield_at_batch(MANY - 1)).poll(&mut context).is_ready());
        let mut before = pin!(hold.yield_at_batch(MANY));
        assert!(before.as_mut().poll(&mut context).is_pending());
        assert!(before.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn work_is_long_after_some_milliseconds() {
        let mut hold = Hold::begin();
        assert!(!hold.is_long_after(0), "one piece is not looked at");
        std::thread::sleep(LONGEST_HOLD);
        assert!(!hold.is_long_after(0));
        assert!(hold.is_long_after(UNLOOKED));
    }
}
