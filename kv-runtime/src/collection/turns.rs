//! Fair turns for the updates of one record in this process.
//!
//! Compare-and-swap alone lets a slow task lose to faster ones for ever. Whoever lost once waits for its turn, and whoever
//! comes while others wait queues behind them; so the number of attempts stays bounded however many tasks there are. An
//! update without rivals never waits. Other processes are met by compare-and-swap alone.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::key::Key;

/// Records that share a stripe only wait for each other while one of them is contended.
const STRIPES: usize = 64;

#[derive(Debug)]
pub(crate) struct Turns {
    stripes: [Stripe; STRIPES],
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: std::array::from_fn(|_| Stripe::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    pub(super) fn of(&self, key: &Key) -> &Stripe {
        &self.stripes[self.hasher.hash_one(key.as_str()) as usize % STRIPES]
    }
}

#[derive(Debug, Default)]
pub(super) struct Stripe {
    waiting: AtomicUsize,
    turn: Mutex<()>,
}

/// The turn is over when this is dropped, also when the waiting was given up.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _guard: MutexGuard<'a, ()>,
    _waiter: Waiter<'a>,
}

#[derive(Debug)]
struct Waiter<'a>(&'a AtomicUsize);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stripe {
    /// A turn, if others wait for one; otherwise there is no need.
    pub(super) async fn turn_if_contended(&self) -> Option<Turn<'_>> {
        if self.waiting.load(Ordering::Relaxed) == 0 { None } else { Some(self.turn().await) }
    }

    pub(super) async fn turn(&self) -> Turn<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiter = Waiter(&self.waiting);
        Turn { _guard: self.turn.lock().await, _waiter: waiter }
    }
}
