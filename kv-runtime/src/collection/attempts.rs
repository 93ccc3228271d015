//! The attempts of one update: its place in the queue of its record, and the pauses between them.

use std::future::poll_fn;
use std::pin::Pin;
#[cfg(not(target_arch = "wasm32"))]
use std::pin::pin;
#[cfg(target_arch = "wasm32")]
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use kv_store::__private::Turn;
use kv_store::Clock;
use kv_store::key::Key;
use kv_store::store::FairQueue;

/// The longest first pause. Each further pause is at most twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// No update has a turn in a Worker: what one request wakes runs within that request, where workerd
/// refuses the calls of the other. Updates pause there.
#[cfg(target_arch = "wasm32")]
enum Turn {}

#[cfg(target_arch = "wasm32")]
impl Turn {
    fn poll<T>(&self, _: Pin<&mut impl Future<Output = T>>, _: &mut Context<'_>) -> Poll<T> {
        match *self {}
    }
}

pub(super) struct Attempts<'a> {
    #[cfg(not(target_arch = "wasm32"))]
    queue: &'a FairQueue,
    #[cfg(not(target_arch = "wasm32"))]
    key: &'a Key,
    clock: &'a Clock,
    turn: Option<Turn>,
    lost: u32,
}

#[cfg(not(target_arch = "wasm32"))]
impl<'a> Attempts<'a> {
    /// Waits for a turn if others queue for the record.
    pub(super) async fn begin(queue: &'a FairQueue, key: &'a Key, clock: &'a Clock) -> Self {
        let mut attempts = Self { queue, key, clock, turn: None, lost: 0 };
        if queue.is_contended() {
            // Boxed, as it is seldom, and every future of an update would have its size.
            attempts.turn = Box::pin(queue.turn_if_contended(key, clock.timer())).await;
        }
        attempts
    }

    /// Waits after an attempt that lost a race: for a turn, or, if it has one, for a random time.
    /// The winner against a turn is in another process, or does not wait for turns.
    pub(super) async fn lost(&mut self) {
        if self.turn.as_ref().is_some_and(Turn::is_held) {
            self.watch(pin!(self.pause())).await;
        } else {
            // Its former place first: two of one update would wait for each other.
            self.turn = None;
            self.turn = Some(Box::pin(self.queue.turn(self.key, self.clock.timer())).await);
        }
        self.lost += 1;
    }
}

#[cfg(target_arch = "wasm32")]
impl<'a> Attempts<'a> {
    pub(super) async fn begin(_: &'a FairQueue, _: &'a Key, clock: &'a Clock) -> Self {
        Self { clock, turn: None, lost: 0 }
    }

    /// Waits for a random time after an attempt that lost a race.
    pub(super) async fn lost(&mut self) {
        self.pause().await;
        self.lost += 1;
    }
}

impl Attempts<'_> {
    /// Waits for the store. If the update has a turn, updates behind it can see whether it is
    /// polled.
    pub(super) async fn watch<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        poll_fn(|context| match &self.turn {
            Some(turn) => turn.poll(work.as_mut(), context),
            None => work.as_mut().poll(context),
        })
        .await
    }

    /// Waits for a random part of a time that doubles, so that updates that met once do not meet
    /// again.
    async fn pause(&self) {
        let longest = FIRST_PAUSE.saturating_mul(1 << self.lost.min(16)).min(LONGEST_PAUSE);
        self.clock.timer().pause(longest.mul_f64(fastrand::f64())).await;
    }
}
