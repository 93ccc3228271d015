//! The attempts of one transaction, and the pauses between them.

use std::time::Duration;

use super::locate::located;
use super::state::State;
use crate::kv::{Kv, TransactionEvent};
use kv_store::__private::{Place, coop};
use kv_store::key::Key;
use kv_store::store::{Store, StoreExt};
use kv_store::{Error, Result};

/// Shorter waits end later than they should.
const SHORTEST_WAIT: Duration = Duration::from_micros(50);

/// The longest first random pause. Each further one is at most twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// Where to look if a transaction never comes through.
const WRITES_PAST_ITSELF: &str = "if many callers write these records, let fewer do so at once; if not, check that the closure writes through `tx`: a write through `kv` conflicts with its own transaction";

pub(super) struct Attempts<'a, S> {
    kv: &'a Kv<S>,
    began: Duration,
    attempt_began: Duration,
    pub(super) number: u32,
    /// Where it stands among this process's transactions, if it has lost a race.
    place: Option<Place>,
}

impl<'a, S: Store> Attempts<'a, S> {
    pub(super) fn begin(kv: &'a Kv<S>) -> Self {
        let now = kv.store().clock().monotonic();
        Self { kv, began: now, attempt_began: now, number: 1, place: None }
    }

    /// Notes that an attempt was committed, and how long it took without waiting for others.
    pub(super) fn committed(&self, state: &State) {
        let now = self.kv.store().clock().monotonic();
        let took = now.saturating_sub(self.attempt_began).saturating_sub(state.waited);
        self.kv.fair_queue().note_attempt(took);
    }

    /// Waits after an attempt that another writer of `key` came before, or fails if it was the last.
    pub(super) async fn lost(&mut self, key: &Key, state: &State) -> Result<()> {
        self.kv.count_transaction(TransactionEvent::Conflict);
        let (options, clock) = (self.kv.transaction_options(), self.kv.store().clock());
        let deadline = self.began.saturating_add(options.deadline);
        let pause = self.pause();
        if self.number >= options.attempts.max(1) || clock.monotonic().saturating_add(pause) > deadline {
            return Err(self.exhausted(key, state));
        }
        if pause > SHORTEST_WAIT {
            clock.timer().pause(pause).await;
        } else {
            coop::yield_now().await;
        }
        let left = || deadline.saturating_sub(clock.monotonic());
        self.take_place(key, state).wait(clock.timer(), left).await;
        self.attempt_began = clock.monotonic();
        if self.attempt_began > deadline {
            return Err(self.exhausted(key, state));
        }
        self.kv.count_transaction(TransactionEvent::Retry);
        self.number += 1;
        Ok(())
    }

    fn exhausted(&self, key: &Key, state: &State) -> Error {
        self.kv.count_transaction(TransactionEvent::Exhausted);
        let at = located(self.kv.store(), key, state.entity_of(key));
        Error::Conflict { at, attempts: self.number, why: Some(WRITES_PAST_ITSELF) }
    }

    /// Takes a place among this process's transactions on the same records, or keeps that which it
    /// has.
    fn take_place(&mut self, key: &Key, state: &State) -> &Place {
        let written =
            || state.entries.iter().filter(|(_, entry)| entry.pending.is_some()).map(|(key, _)| key);
        let read = || {
            let read = state.entries.iter().filter(|(_, entry)| entry.pending.is_none());
            read.map(|(key, _)| key).chain([key])
        };
        let queue = self.kv.fair_queue();
        let held = self.place.take().filter(|place| queue.extend_place(place, written(), read()));
        self.place.insert(held.unwrap_or_else(|| queue.place(written(), read())))
    }

    /// The pause after an attempt that has lost in its place. It has met another process, or a call
    /// that takes no place. So it waits for a random time, which grows.
    fn pause(&self) -> Duration {
        let Some(lost) = self.number.checked_sub(3) else { return Duration::ZERO };
        let longest = FIRST_PAUSE.saturating_mul(1 << lost.min(16)).min(LONGEST_PAUSE);
        longest.mul_f64(fastrand::f64())
    }
}
