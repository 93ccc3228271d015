//! The attempts of one transaction, and the pauses between them.

use std::time::Duration;

use super::locate::located;
use super::state::State;
use crate::kv::{Kv, TransactionEvent};
use kv_store::__private::coop;
use kv_store::key::Key;
use kv_store::store::{Store, StoreExt};
use kv_store::{Error, Result};

/// Shorter waits end later than they should.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_micros(50);

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
}

impl<'a, S: Store> Attempts<'a, S> {
    pub(super) fn begin(kv: &'a Kv<S>) -> Self {
        let now = kv.store().clock().monotonic();
        Self { kv, began: now, attempt_began: now, number: 1 }
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
        let (options, store) = (self.kv.transaction_options(), self.kv.store());
        let clock = store.clock();
        let wait = self.pause(key, state);
        let deadline = self.began.saturating_add(options.deadline);
        if self.number >= options.attempts.max(1) || clock.monotonic().saturating_add(wait) > deadline {
            self.kv.count_transaction(TransactionEvent::Exhausted);
            let at = located(store, key, state.entity_of(key));
            return Err(Error::Conflict { at, attempts: self.number, why: Some(WRITES_PAST_ITSELF) });
        }
        if wait > SHORTEST_WAIT {
            clock.timer().pause(wait).await;
        } else {
            coop::yield_now().await;
        }
        self.kv.count_transaction(TransactionEvent::Retry);
        self.number += 1;
        self.attempt_began = clock.monotonic();
        Ok(())
    }

    /// Reserves time among this process's transactions on the same records. An attempt that has lost
    /// in its own time has met another process, or a call that reserves none. It also waits for a
    /// random time, which grows.
    fn pause(&self, key: &Key, state: &State) -> Duration {
        let written = state.entries.iter().filter(|(_, entry)| entry.pending.is_some()).map(|(key, _)| key);
        let read = state.entries.iter().filter(|(_, entry)| entry.pending.is_none()).map(|(key, _)| key);
        let read = read.chain([key]);
        let turn = self.kv.fair_queue().reserve(written, read, self.kv.store().clock().monotonic());
        let Some(lost) = self.number.checked_sub(2) else { return turn };
        let longest = FIRST_PAUSE.saturating_mul(1 << lost.min(16)).min(LONGEST_PAUSE);
        turn + longest.mul_f64(fastrand::f64())
    }
}
