//! The clock that tests set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::maybe_send::BoxFuture;
use crate::timestamp::Timestamp;

/// A clock that a test moves. Clones are one clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hand>);

#[derive(Debug)]
struct Hand {
    /// The time of day.
    now: AtomicU64,
    /// Milliseconds that have passed.
    monotonic: AtomicU64,
    moved: Notify,
}

impl ManualClock {
    /// Returns a clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let hand = Hand {
            now: AtomicU64::new(start.as_millis()),
            monotonic: AtomicU64::new(0),
            moved: Notify::new(),
        };
        Self(Arc::new(hand))
    }

    /// Returns the moment that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now.load(Ordering::SeqCst))
    }

    /// Returns how much time has passed since the clock was made: [`Clock::monotonic`].
    ///
    /// [`Clock::monotonic`]: crate::Clock::monotonic
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.monotonic.load(Ordering::SeqCst))
    }

    /// Sets the clock to another moment. If it is later, the time between has passed. If it is
    /// earlier, the time of day was set back, and no time has passed.
    pub fn set(&self, now: Timestamp) {
        let before = self.0.now.swap(now.as_millis(), Ordering::SeqCst);
        self.0.monotonic.fetch_add(now.as_millis().saturating_sub(before), Ordering::SeqCst);
        self.0.moved.notify_waiters();
    }

    /// Sets the time of day, earlier or later, without any time passing. Timers keep waiting.
    pub fn set_time_of_day(&self, now: Timestamp) {
        self.0.now.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock forward by `duration`, rounded up to a whole millisecond.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }

    /// Waits until `duration` has passed.
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (clock, due) = (self.clone(), self.monotonic().saturating_add(duration));
        Box::pin(async move {
            loop {
                // It hears of every move from here on, so none can slip between the look and the
                // wait.
                let moved = clock.0.moved.notified();
                if clock.monotonic() >= due {
                    return;
                }
                moved.await;
            }
        })
    }
}
