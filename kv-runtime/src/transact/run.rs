//! Runs the closure of a transaction until it is committed, or cannot be.

use tracing::Span;
use tracing::field::Empty;

use super::attempts::Attempts;
use super::commit::{Committed, check, commit};
use super::rerun::Rerun;
use super::state::{End, State};
use super::tx::Tx;
use crate::kv::{Kv, TransactionEvent};
use crate::small::Instrument;
use crate::small::are_spans_taken;
use kv_store::key::Key;
use kv_store::store::{Store, StoreExt};
use kv_store::{Error, Location, Result};

/// Runs a transaction. `refused` makes an error of the call of one of the closure.
pub(super) async fn run<S, T, X, R, F>(kv: &Kv<S>, work: F, refused: fn(R) -> X) -> Result<T, X>
where
    S: Store,
    X: From<Error>,
    F: AsyncFnOnce(&Tx<S>) -> Result<T, R> + Rerun,
{
    let span = span(kv.store());
    attempts(kv, work, refused, &span).instrument(span.clone()).await
}

async fn attempts<S, T, X, R, F>(kv: &Kv<S>, work: F, refused: fn(R) -> X, span: &Span) -> Result<T, X>
where
    S: Store,
    X: From<Error>,
    F: AsyncFnOnce(&Tx<S>) -> Result<T, R> + Rerun,
{
    if !kv.store().capabilities().compare_and_swap {
        let capability = "transactions, which need compare-and-swap";
        return Err(Error::Unsupported { at: Location::store(kv.store().name()), capability }.into());
    }
    let mut attempts = Attempts::begin(kv);
    loop {
        let tx = Tx::new(kv.clone(), attempts.number == 1);
        let mut made = (work.again())(&tx).await.map_err(refused);
        if made.is_ok()
            && tx.has_indexes()
            && let Err(error) = Box::pin(tx.add_indexes()).await
        {
            made = Err(error.into());
        }
        let mut state = tx.into_state();
        record(span, attempts.number, &state);
        let lost = match end(kv, &attempts, &mut state, made).await? {
            Ended::Committed(made) => return Ok(made),
            Ended::Failed(error) => return Err(error),
            Ended::Lost(key) => key,
        };
        attempts.lost(&lost, &state).await?;
    }
}

/// How an attempt ended.
enum Ended<T, X> {
    Committed(T),
    /// The closure failed, and what it read still holds.
    Failed(X),
    /// Another writer came first, at the record under this key.
    Lost(Key),
}

/// Ends an attempt, whose closure has returned.
async fn end<S: Store, T, X>(
    kv: &Kv<S>,
    attempts: &Attempts<'_, S>,
    state: &mut State,
    made: Result<T, X>,
) -> Result<Ended<T, X>> {
    match (state.end.take(), made) {
        (Some(End::Lost(key)), _) => Ok(Ended::Lost(key)),
        (Some(End::Failed(error)), Ok(_)) => Err(error),
        (_, Err(error)) => Ok(match check(kv, state).await? {
            Committed::Done => Ended::Failed(error),
            Committed::Lost(key) => Ended::Lost(key),
        }),
        (None, Ok(made)) => Ok(match commit(kv, state).await? {
            Committed::Done => {
                attempts.committed(state);
                kv.count_transaction(TransactionEvent::Committed);
                Ended::Committed(made)
            }
            Committed::Lost(key) => Ended::Lost(key),
        }),
    }
}

fn span<S: Store>(store: &S) -> Span {
    if !are_spans_taken() {
        return Span::none();
    }
    let store = store.name();
    tracing::debug_span!("kv", operation = "transact", store, attempts = Empty, reads = Empty, writes = Empty)
}

/// Shows in the span how many attempts there were, and what the last one read and writes.
fn record(span: &Span, attempts: u32, state: &State) {
    if !span.is_disabled() {
        let (reads, writes) = state.counts();
        span.record("attempts", attempts).record("reads", reads).record("writes", writes);
    }
}
