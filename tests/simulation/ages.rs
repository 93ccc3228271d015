//! How old an answer of a cache is when the origin changes and nobody writes through the cache: by
//! the clock that only moves on, whatever becomes of the time of day.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv_runtime::cache::Cached;
use kv_runtime::{Kv, Source, Timestamp};

use crate::origin::{Copied, MEMORY_TTL, Origin, STALE_FOR, any_cache};
use crate::run::Run;
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(with_a_store, without_filling);

const STORE_TTL: Duration = Duration::from_secs(40);

/// The time of day keeps to the clock that only moves on, because the store's records expire by it.
fn with_a_store(sim: &Sim) {
    let cache = any_cache(sim).store_ttl(STORE_TTL);
    let docs = Kv::new(SimStore::any(sim)).collection::<Copied>().cached(cache);
    run(sim, docs, Some(STORE_TTL), pass);
}

/// The time of day goes anywhere.
fn without_filling(sim: &Sim) {
    let cache = any_cache(sim).without_filling();
    let docs = Kv::new(SimStore::any(sim)).collection::<Copied>().cached(cache);
    run(sim, docs, None, |sim| match sim.below(3) {
        0 => {
            let now = sim.state().wall.now().as_millis();
            sim.set_time_of_day(Timestamp::from_millis(now - 100_000 + sim.below(200_000) as u64));
        }
        _ => sim.elapse(Duration::from_millis(sim.below(15_000) as u64)),
    });
}

/// Both clocks move on, often by nearly a TTL.
fn pass(sim: &Sim) {
    let millis = [19_900, 39_900, sim.below(100), sim.below(30_000)][sim.below(4)];
    let duration = Duration::from_millis(millis as u64);
    sim.elapse(duration);
    let now = sim.state().wall.now();
    sim.set_time_of_day(now.saturating_add(duration));
}

/// An answer from memory: the earliest moment at which it was looked up, and whether it was stale.
#[derive(Debug)]
struct Answer {
    version: u64,
    looked: Duration,
    is_stale: bool,
}

fn run(sim: &Sim, docs: Cached<Copied, SimStore>, store_ttl: Option<Duration>, happens: fn(&Sim)) {
    let origin = Origin::new(sim);
    origin.change();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let mut run = Run::with(sim, 40, happens);
    for _ in 0..6 + sim.below(8) {
        let (docs, origin, answers, sim) = (docs.clone(), origin.clone(), Arc::clone(&answers), sim.clone());
        let kind = sim.below(12);
        run.add(async move {
            let asked = sim.elapsed();
            sim.step(|| format!("call of kind {kind} begins"));
            let loader = origin.clone();
            let served = match kind {
                0 => {
                    origin.change();
                    return;
                }
                1 => return drop(docs.refresh_from(1, || loader.load()).await),
                2..4 => docs.get_detailed(1).await,
                _ => docs.get_or_load_detailed(1, || loader.load()).await,
            };
            sim.step(|| format!("call of kind {kind} of {asked:?} ends: {served:?}"));
            let Ok(served) = served else { return };
            let is_stale = served.source == Source::Stale;
            if let (Some(copy), true) = (served.value, is_stale || served.source == Source::Memory) {
                // Whether what is stale may be served is decided when nothing better has come.
                let looked = if is_stale { sim.elapsed() } else { asked };
                let answer = Answer { version: copy.version, looked, is_stale };
                answers.lock().expect("nobody panics with it").push(answer);
            }
        });
    }
    run.finish();
    // The TTL of a record counts from when the store has it.
    let in_store = store_ttl.map_or(Duration::ZERO, |ttl| ttl + sim.state().slowest_commit);
    for answer in answers.lock().expect("nobody panics with it").iter() {
        let given = origin.given();
        let of_it = given.iter().filter(|given| given.version == Some(answer.version));
        let last = of_it.map(|given| given.at).max().expect("the origin gave it");
        let longest = MEMORY_TTL + in_store + if answer.is_stale { STALE_FOR } else { Duration::ZERO };
        let age = answer.looked.saturating_sub(last);
        assert!(age <= longest, "{answer:?} is {age:?} old\n{given:#?}");
    }
}
