//! Old and new code on the same records: migrations on read, written back or not, and backfills.

use std::time::Duration;

use kv_runtime::migrate::WriteBack;
use kv_runtime::store::AtomicStore;
use kv_runtime::{Collection, Error, Kv, KvEntity};

use crate::calls::{self, ALL, Doc, Log, State};
use crate::history::History;
use crate::records::look;
use crate::run::{Moves, Run};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(old_and_new_code, backfills);

/// The document of a later version, with a member more. Code of version 1 reads it.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "doc", ttl = "10s", version = 2)]
struct NewDoc {
    #[kv(id)]
    id: u64,
    log: Vec<u16>,
    #[kv(added(since = 2, default = 7))]
    mark: u8,
}

impl Log for NewDoc {
    fn new(log: Vec<u16>) -> Self {
        Self { id: 1, log, mark: 7 }
    }

    fn log(&mut self) -> &mut Vec<u16> {
        assert_eq!(self.mark, 7, "a member is lost");
        &mut self.log
    }
}

fn old_and_new_code(sim: &Sim) {
    run(sim, &[WriteBack::Safe, WriteBack::Always, WriteBack::Never], 0);
}

fn backfills(sim: &Sim) {
    run(sim, &[WriteBack::Safe, WriteBack::Never], 2);
}

fn run(sim: &Sim, policies: &[WriteBack], backfills: usize) {
    let store = SimStore::any(sim);
    let history = History::<State>::new(sim);
    let moves = Moves { often: 30, furthest: Duration::from_secs(9), back: false };
    let mut run = Run::new(sim, moves);
    let old = Kv::new(store.clone()).collection::<Doc>();
    for (tag, call) in calls::some(sim, &ALL).into_iter().enumerate() {
        let tag = tag as u16;
        if sim.chance(500) {
            run.add(calls::make(history.clone(), old.clone(), call, tag));
        } else {
            let kv = Kv::new(store.clone()).with_write_back(policies[sim.below(policies.len())]);
            run.add(calls::make(history.clone(), kv.collection::<NewDoc>(), call, tag));
        }
    }
    for _ in 0..sim.below(backfills + 1) {
        run.add(backfill(Kv::new(store.clone()).collection::<NewDoc>()));
    }
    run.finish();
    look(sim, moves, &history, old);
    history.check(State::default());
}

/// A backfill shows nothing of a record, and changes nothing that a call sees.
async fn backfill<S: AtomicStore>(docs: Collection<NewDoc, S>) {
    match docs.migrate_all().batch(1).run().await {
        Ok(report) => assert_eq!(report.failed, 0, "{report}"),
        Err(Error::Store { .. } | Error::OutcomeUnknown { .. }) => {}
        Err(error) => panic!("no backfill fails so: {error}"),
    }
}
