//! The one commit of a transaction, and the check of what a closure read that failed.

use super::locate::{located, named, no_such_condition, unchecked};
use super::settle::{Guard, Settled};
use super::state::State;
use crate::heard::outcome;
use crate::kv::{Kv, TransactionEvent};
use kv_store::__private::WriteOutcome;
use kv_store::key::Key;
use kv_store::store::{Commit, Store};
use kv_store::{Error, Result};

/// What has become of a commit that did not fail.
pub(super) enum Committed {
    Done,
    /// Another writer came first, at the record under this key.
    Lost(Key),
}

/// Checks that all still holds that the closure went by: what it read, and that there was none of
/// what it inserted.
pub(super) async fn check<S: Store>(kv: &Kv<S>, state: &State) -> Result<Committed> {
    let (conditions, reads) = state.conditions();
    if conditions.is_empty() {
        return Ok(Committed::Done);
    }
    match kv.store().commit(conditions, Vec::new().into()).await {
        Ok(Commit::Done) => Ok(Committed::Done),
        Ok(Commit::Conflict(place)) => conflict_at(kv, state, place, reads),
        Err(error) => Err(named(state, unchecked(error))),
    }
}

/// Makes all writes, on condition of all that was read.
pub(super) async fn commit<S: Store>(kv: &Kv<S>, state: &mut State) -> Result<Committed> {
    if !state.has_writes() {
        // The last read has seen that all reads before it still held.
        return Ok(Committed::Done);
    }
    let (conditions, reads) = state.conditions();
    let writes = state.take_writes();
    let state = &*state;
    // If it is dropped, the outcome is unknown to the caches, too.
    let calls = kv.writes();
    let heard = if calls.is_silent() { None } else { Some(calls.begin(writes.iter()).await) };
    let guard = Guard::of(kv, state);
    let end = |outcome| {
        if let Some(heard) = heard {
            heard.end(outcome);
        }
    };
    let committed = kv.store().commit(conditions, writes.into()).await;
    match committed {
        Err(error) if error.is_unknown() => {
            kv.count_transaction(TransactionEvent::Unknown);
            if guard.settle(state).await == Settled::NotCommitted {
                end(WriteOutcome::Conflict);
                return Err(named(state, not_committed(error)));
            }
            Err(named(state, error))
        }
        Err(error) => {
            guard.disarm();
            end(WriteOutcome::Failed(&error));
            Err(named(state, error))
        }
        Ok(made) => {
            guard.disarm();
            end(outcome(&Ok(made)));
            match made {
                Commit::Done => Ok(Committed::Done),
                Commit::Conflict(place) => conflict_at(kv, state, place, reads),
            }
        }
    }
}

/// The end of a commit whose condition at `place` does not hold. The first `reads` conditions are of
/// what was read. If only that of an insert fails, another attempt would end in the same way.
fn conflict_at<S: Store>(kv: &Kv<S>, state: &State, place: usize, reads: usize) -> Result<Committed> {
    let Some(key) = state.key_of_condition(place) else { return Err(no_such_condition(kv.store())) };
    if place < reads {
        return Ok(Committed::Lost(key.clone()));
    }
    Err(Error::AlreadyExists { at: located(kv.store(), key, state.entity_of(key)) })
}

/// The error of a commit that is known not to have taken place after its answer was lost.
fn not_committed(unknown: Error) -> Error {
    match unknown {
        Error::OutcomeUnknown { at, source } => Error::Store {
            at,
            action: "commit",
            why: Some("its answer was lost, and it is certain now that nothing was written or will be"),
            retryable: true,
            source,
        },
        other => other,
    }
}
