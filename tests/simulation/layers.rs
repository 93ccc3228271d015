//! The same calls through layers.

use std::time::Duration;

use kv_runtime::Kv;
use kv_runtime::layer::{NamespaceStore, ObservedStore, RetryStore, TimeoutStore};

use crate::calls::{ALL, Call, Doc};
use crate::records::run;
use crate::run::Moves;
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(tenants, retries_and_timeouts);

const ONWARD: Moves = Moves { often: 40, furthest: Duration::from_secs(9), back: false };

fn tenants(sim: &Sim) {
    let store = SimStore::any(sim);
    run(sim, ONWARD, &ALL, || {
        let tenant = NamespaceStore::new(NamespaceStore::new(store.clone(), "tenant"), "acme");
        Kv::new(ObservedStore::new(tenant)).collection::<Doc>()
    });
}

fn retries_and_timeouts(sim: &Sim) {
    let store = SimStore::remote(sim);
    let most = [Call::Put, Call::Update, Call::Upsert, Call::Delete, Call::Get, Call::Touch];
    let moves = Moves { often: 0, ..ONWARD };
    run(sim, moves, &most, || {
        let impatient = TimeoutStore::new(store.clone(), Duration::from_millis(40));
        let again = RetryStore::new(impatient).pauses(Duration::from_millis(5), Duration::from_millis(20));
        Kv::new(again).collection::<Doc>()
    });
}
