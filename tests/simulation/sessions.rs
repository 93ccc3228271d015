//! Sessions with a memory before the store: a log-out is final, and nothing that a request does
//! revives its session.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kv_runtime::Kv;
use kv_runtime::tower_sessions::KvSessionStore;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};

use crate::calls::some;
use crate::run::{Moves, Run};
use crate::sim::{START, Sim};
use crate::store::SimStore;

crate::scenarios!(log_outs);

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// It reads the session, which prolongs it.
    Read,
    Change,
    LogOut,
}

const ALL: [Request; 5] = [Request::Read, Request::Read, Request::Change, Request::LogOut, Request::Read];

#[derive(Default)]
struct Seen {
    /// Steps after which the session is gone for good: of log-outs that ended, and of reads that
    /// found nothing.
    gone: Vec<u64>,
    /// Reads that found the session, and when they began.
    found: Vec<u64>,
    has_log_out: bool,
}

struct World {
    sim: Sim,
    /// One with a memory, and what another process sees.
    stores: [KvSessionStore<SimStore>; 2],
    seen: Mutex<Seen>,
}

fn log_outs(sim: &Sim) {
    let store = Kv::new(SimStore::any(sim));
    let plain = KvSessionStore::new(&store);
    let mut remembering = plain.clone().with_memory(60 * SECOND, 100);
    if sim.chance(700) {
        remembering = remembering.with_idle_timeout(4_000 * SECOND).with_touch_interval(SECOND);
    }
    let world = Arc::new(World { sim: sim.clone(), stores: [remembering, plain], seen: Mutex::default() });
    let faults = std::mem::take(&mut sim.state().faults);
    alone(&world, |world| async move {
        world.stores[0].create(&mut record(0)).await.expect("nothing fails");
    });
    sim.state().faults = faults;
    let mut run = Run::with(sim, 30, move_clocks);
    for (number, request) in some(sim, &ALL).into_iter().enumerate() {
        run.add(Arc::clone(&world).serve(request, number));
    }
    run.finish();
    // What the memory says in the end is what the store holds.
    let sim = &world.sim;
    sim.state().faults = crate::sim::Faults::default();
    alone(&world, |world| async move {
        let [remembering, plain] = &world.stores;
        let id = record(0).id;
        let remembered = remembering.load(&id).await.expect("nothing fails").map(|record| record.data);
        let stored = plain.load(&id).await.expect("nothing fails").map(|record| record.data);
        assert_eq!(remembered, stored, "the memory, and the store");
    });
    alone(&world, |world| world.serve(Request::Read, 99));
    world.check();
}

fn alone<F: Future<Output = ()> + Send + 'static>(world: &Arc<World>, work: impl FnOnce(Arc<World>) -> F) {
    let still = Moves { often: 0, furthest: Duration::ZERO, back: false };
    let mut run = Run::new(&world.sim, still);
    run.add(work(Arc::clone(world)));
    run.finish();
}

/// In all less than the session lives.
fn move_clocks(sim: &Sim) {
    match sim.below(3) {
        0 => sim.elapse(Duration::from_millis(sim.below(40_000) as u64)),
        1 => {
            let now = sim.state().wall.now();
            sim.set_time_of_day(now.saturating_add(Duration::from_millis(sim.below(10_000) as u64)));
        }
        _ => {
            let now = sim.state().wall.now().as_millis();
            let back = sim.below(10_000) as u64;
            sim.set_time_of_day(kv_runtime::Timestamp::from_millis(now - back));
        }
    }
}

fn record(number: usize) -> Record {
    let seconds = (START.as_millis() / 1_000) as i64 + 1_000_000;
    let expiry_date = OffsetDateTime::from_unix_timestamp(seconds).expect("a moment of this century");
    let data = [("request".to_owned(), number.into())].into();
    Record { id: Id(1), data, expiry_date }
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with it")
    }

    async fn serve(self: Arc<Self>, request: Request, number: usize) {
        let began = self.sim.step(|| format!("{request:?} {number} begins"));
        let store = &self.stores[0];
        let id = record(0).id;
        match request {
            Request::Read => {
                let Ok(found) = store.load(&id).await else { return };
                let ended = self.sim.step(|| format!("{request:?} {number} ends: {found:?}"));
                let mut seen = self.seen();
                match found {
                    Some(_) => seen.found.push(began),
                    None => {
                        assert!(seen.has_log_out, "nobody has logged out");
                        seen.gone.push(ended);
                    }
                }
            }
            Request::Change => {
                let saved = store.save(&record(number)).await;
                self.sim.step(|| format!("{request:?} {number} ends: {saved:?}"));
            }
            Request::LogOut => {
                self.seen().has_log_out = true;
                let deleted = store.delete(&id).await;
                let ended = self.sim.step(|| format!("{request:?} {number} ends: {deleted:?}"));
                if deleted.is_ok() {
                    self.seen().gone.push(ended);
                }
            }
        }
    }

    fn check(&self) {
        let seen = self.seen();
        let Some(gone) = seen.gone.iter().min() else { return };
        let revived = seen.found.iter().find(|began| *began > gone);
        assert_eq!(revived, None, "the session was gone at step {gone}, and a request found it later");
    }
}
