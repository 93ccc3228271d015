//! Finds out what has become of a commit whose answer was lost.
//!
//! The store has already looked for the tokens of what was written. If it found none, that proves
//! nothing: deletes bear no token, others may have overwritten the records, and the server may yet
//! run the commit. So a record is renewed that the transaction has read and changes: it gets its own
//! value and a new revision, on condition of the revision that was read. If that succeeds, the commit
//! has not taken place, and cannot any more, because it has the same condition. If it does not,
//! nobody can tell, and the outcome stays unknown.
//!
//! If the caller is gone, the same is done in a task: the commit must not take place at any later
//! time.

use std::time::Duration;

use super::state::State;
use crate::kv::Kv;
use kv_store::BoxFuture;
use kv_store::key::Key;
use kv_store::record::{NewRecord, Record};
use kv_store::store::{Commit, Condition, Expect, Sharing, Store, StoreExt, Write};

/// How often the record is renewed at most, and the first pause in between, which doubles.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What is known of a commit whose answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It has not taken place, and will not.
    NotCommitted,
    Unknown,
}

/// A record that the commit changes, as the transaction has read it.
struct Witness {
    key: Key,
    record: Record,
}

/// A commit that is under way. If it is dropped before its outcome is known, a task settles it.
pub(super) struct Guard<'a, S: Store> {
    kv: &'a Kv<S>,
    witness: Option<Witness>,
}

impl<'a, S: Store> Guard<'a, S> {
    /// Guards the commit of a transaction. A store that this process has for itself ends a dropped
    /// call in any case, soon and before all later ones.
    pub(super) fn of(kv: &'a Kv<S>, state: &State) -> Self {
        let is_exclusive = kv.store().capabilities().sharing == Sharing::Exclusive;
        Self { kv, witness: if is_exclusive { None } else { Witness::of(state) } }
    }

    /// The outcome is known.
    pub(super) fn disarm(mut self) {
        self.witness = None;
    }

    /// Settles a commit whose answer was lost. It goes on in a task if it is dropped.
    pub(super) async fn settle(mut self, state: &State) -> Settled {
        if self.witness.is_none() {
            self.witness = Witness::of(state);
        }
        let Some(witness) = &self.witness else { return Settled::Unknown };
        let settled = witness.renew(self.kv).await;
        self.disarm();
        settled
    }
}

impl<S: Store> Drop for Guard<'_, S> {
    fn drop(&mut self) {
        if let Some(witness) = self.witness.take() {
            let kv = self.kv.clone();
            let task = async move {
                witness.renew(&kv).await;
            };
            spawn(self.kv, Box::pin(task));
        }
    }
}

impl Witness {
    fn of(state: &State) -> Option<Self> {
        let (key, record) = state.witness()?;
        Some(Self { key: key.clone(), record: record.clone() })
    }

    /// Gives the record a new revision, if it is still as it was read.
    async fn renew<S: Store>(&self, kv: &Kv<S>) -> Settled {
        let Self { key, record } = self;
        let (store, mut pause) = (kv.store(), FIRST_PAUSE);
        for _ in 0..TRIES {
            let unchanged = Condition::new(key.clone(), Expect::Revision(record.revision.clone()));
            // Keeps the expiry that the record has then.
            let same = NewRecord::new(record.value.0.clone(), record.metadata.clone());
            match store.commit(vec![unchanged], Write::Update(key.clone(), same).into()).await {
                Ok(Commit::Done) => return Settled::NotCommitted,
                Ok(Commit::Conflict(_)) => return Settled::Unknown,
                Err(error) if error.is_retryable() || error.is_unknown() => {
                    store.clock().timer().pause(pause).await;
                    pause *= 2;
                }
                Err(_) => return Settled::Unknown,
            }
        }
        Settled::Unknown
    }
}

/// Runs a task by the application's spawner, or on the tokio runtime that is here. Without either
/// the commit is left to itself: it takes place as a whole or not at all.
fn spawn<S: Store>(kv: &Kv<S>, task: BoxFuture<'static, ()>) {
    match kv.spawner() {
        None => spawn_here(task),
        Some(spawner) => {
            if !spawner.try_spawn(task) {
                tracing::warn!("the spawner panicked; a dropped transaction is not settled");
            }
        }
    }
}

#[cfg(all(any(feature = "cache", feature = "cloudflare", feature = "redis"), not(target_arch = "wasm32")))]
fn spawn_here(task: BoxFuture<'static, ()>) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(task));
    }
}

#[cfg(not(all(
    any(feature = "cache", feature = "cloudflare", feature = "redis"),
    not(target_arch = "wasm32")
)))]
fn spawn_here(_: BoxFuture<'static, ()>) {}
