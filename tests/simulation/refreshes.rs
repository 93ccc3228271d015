//! A refresh from the origin among loads, with no other writer: it reports no conflict.

use std::sync::{Arc, Mutex};

use kv_runtime::{Error, Kv};

use crate::origin::{Origin, any_cache};
use crate::run::Run;
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(among_loads);

fn among_loads(sim: &Sim) {
    let docs = Kv::new(SimStore::any(sim)).collection().cached(any_cache(sim));
    let origin = Origin::new(sim);
    origin.change();
    let (lost, last_load) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
    let mut run = Run::with(sim, 0, |_| {});
    let (cache, loader, sim_of, lost_at) = (docs.clone(), origin.clone(), sim.clone(), Arc::clone(&lost));
    run.add(async move {
        let began = sim_of.step(|| "the refresh begins".to_owned());
        let refreshed = cache.refresh_from(1, || loader.load()).await;
        sim_of.step(|| format!("the refresh ends: {refreshed:?}"));
        if let Err(Error::Conflict { .. }) = refreshed {
            *lost_at.lock().expect("nobody panics with it") = Some(began);
        }
    });
    for _ in 0..1 + sim.below(3) {
        let (cache, loader, sim, last) = (docs.clone(), origin.clone(), sim.clone(), Arc::clone(&last_load));
        run.add(async move {
            let began = sim.step(|| "a load begins".to_owned());
            *last.lock().expect("nobody panics with it") = began;
            let loaded = cache.get_or_load(1, || loader.load()).await;
            sim.step(|| format!("the load of step {began} ends: {loaded:?}"));
        });
    }
    run.finish();
    let lost = *lost.lock().expect("nobody panics with it");
    let last_load = *last_load.lock().expect("nobody panics with it");
    // It waits for a fill that has begun, for a second at most. A load that begins later may fill
    // the store first.
    if let (Some(began), None) = (lost, sim.state().late_commit) {
        assert!(last_load > began, "the refresh has lost, and nobody else has written");
    }
}
