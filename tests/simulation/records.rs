//! Records of one group: all calls of a collection with compare-and-swap.

use std::time::Duration;

use kv_runtime::store::AtomicStore;
use kv_runtime::{Collection, Kv, KvEntity};

use crate::calls::{self, Call, Doc};
use crate::history::History;
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(one_handle, a_handle_for_each, without_expiry, expiry, a_clock_that_goes_back);

const STILL: Moves = Moves { often: 0, furthest: Duration::ZERO, back: false };
const ONWARD: Moves = Moves { often: 40, furthest: Duration::from_secs(9), back: false };
const BACK: Moves = Moves { often: 40, furthest: Duration::from_secs(9), back: true };

fn one_handle(sim: &Sim) {
    let docs = Kv::new(SimStore::any(sim)).collection::<Doc>();
    run(sim, STILL, &calls::ALL, || docs.clone());
}

fn a_handle_for_each(sim: &Sim) {
    let store = SimStore::any(sim);
    let most = [Call::Update, Call::Update, Call::Update, Call::Upsert, Call::Get];
    run(sim, STILL, &most, || Kv::new(store.clone()).collection::<Doc>());
}

fn without_expiry(sim: &Sim) {
    let docs = Kv::new(SimStore::remote(sim)).collection::<Doc>();
    let most = [Call::Insert, Call::Delete, Call::Update, Call::Get, Call::GetMany, Call::Exists];
    run(sim, STILL, &most, || docs.clone());
}

fn expiry(sim: &Sim) {
    let docs = Kv::new(SimStore::any(sim)).collection::<Doc>();
    run(sim, ONWARD, &calls::ALL, || docs.clone());
}

fn a_clock_that_goes_back(sim: &Sim) {
    let docs = Kv::new(SimStore::any(sim)).collection::<Doc>();
    run(sim, BACK, &calls::ALL, || docs.clone());
}

/// Makes some of these calls, and checks what they return.
pub fn run<S: AtomicStore, E>(sim: &Sim, moves: Moves, most: &[Call], docs: impl Fn() -> Collection<E, S>)
where
    E: KvEntity<Id = u64> + calls::Log,
{
    let history = History::new(sim);
    let mut run = Run::new(sim, moves);
    for (tag, call) in calls::some(sim, most).into_iter().enumerate() {
        run.add(calls::make(history.clone(), docs(), call, tag as u16));
    }
    run.finish();
    look(sim, moves, &history, docs());
    history.check(calls::State::default());
}

/// Looks at what is left, and at what is left of it later.
pub fn look<S: AtomicStore, E>(
    sim: &Sim,
    moves: Moves,
    history: &History<calls::State>,
    docs: Collection<E, S>,
) where
    E: KvEntity<Id = u64> + calls::Log,
{
    let looks = if moves.often == 0 { 1 } else { 4 };
    for _ in 0..looks {
        let mut run = Run::new(sim, STILL);
        run.add(calls::make(history.clone(), docs.clone(), Call::Get, u16::MAX));
        run.finish();
        if moves.often > 0 {
            sim.pass(Duration::from_secs(4));
        }
    }
}
