//! Loads, fills and refreshes among the writes of one cache. A caller changes the origin, then
//! writes through the cache; nothing that is read after that write was acknowledged is older than
//! it, and nothing comes back after a delete.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kv_runtime::cache::Cached;
use kv_runtime::store::SETTLES_AFTER;
use kv_runtime::{Error, Kv, Result};

use crate::calls::some;
use crate::origin::{Copied, Origin, any_cache};
use crate::run::Run;
use crate::seen::{By, Read, Seen};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(on_a_server, without_leases, on_a_file, in_memory);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Put,
    Upsert,
    Delete,
    Load,
    LoadMany,
    RefreshFrom,
    Get,
    GetMany,
    Refresh,
    /// The origin alone changes.
    Change,
}

const ALL: [Call; 10] = [
    Call::Put,
    Call::Upsert,
    Call::Delete,
    Call::Load,
    Call::LoadMany,
    Call::RefreshFrom,
    Call::Get,
    Call::GetMany,
    Call::Refresh,
    Call::Change,
];

fn on_a_server(sim: &Sim) {
    run(sim, SimStore::remote(sim), true);
}

fn without_leases(sim: &Sim) {
    run(sim, SimStore::without_leases(sim), false);
}

fn on_a_file(sim: &Sim) {
    run(sim, SimStore::embedded(sim), true);
}

fn in_memory(sim: &Sim) {
    run(sim, SimStore::local(sim), true);
}

/// `has_leases`: the store can tell a fill that comes too late from one that meets no delete.
fn run(sim: &Sim, store: SimStore, has_leases: bool) {
    let world = Arc::new(World {
        sim: sim.clone(),
        docs: Kv::new(store).collection::<Copied>().cached(any_cache(sim)),
        origin: Origin::new(sim),
        seen: Mutex::default(),
        unsettled: Mutex::default(),
    });
    if sim.chance(500) {
        world.origin.change();
    }
    let mut run = Run::with(sim, 20, move_clocks);
    for call in some(sim, &ALL) {
        run.add(Arc::clone(&world).make(call));
    }
    run.finish();
    for call in [Call::Get, Call::Load, Call::GetMany] {
        let mut run = Run::with(sim, 0, move_clocks);
        run.add(Arc::clone(&world).make(call));
        run.finish();
    }
    world.check(has_leases);
}

fn move_clocks(sim: &Sim) {
    match sim.below(3) {
        0 => {
            let back = Duration::from_secs(sim.below(200) as u64);
            let now = sim.state().wall.now();
            sim.set_time_of_day(kv_runtime::Timestamp::from_millis(
                now.as_millis() - back.as_millis() as u64,
            ));
        }
        1 => {
            let now = sim.state().wall.now();
            sim.set_time_of_day(now.saturating_add(Duration::from_secs(sim.below(200) as u64)));
        }
        _ => sim.elapse(Duration::from_secs(sim.below(40) as u64)),
    }
}

struct World {
    sim: Sim,
    docs: Cached<Copied, SimStore>,
    origin: Origin,
    seen: Mutex<Seen>,
    /// When a write ended of which nobody knows whether it took place.
    unsettled: Mutex<Vec<Duration>>,
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with it")
    }

    async fn make(self: Arc<Self>, call: Call) {
        self.look();
        let began = self.sim.step(|| format!("{call:?} begins"));
        let written = match call {
            Call::Put | Call::Upsert => Some(Some(Some(self.origin.change()))),
            Call::Delete => {
                self.origin.delete();
                Some(Some(None))
            }
            Call::RefreshFrom => Some(None),
            Call::Change => {
                self.origin.change();
                return;
            }
            _ => None,
        };
        let Some(version) = written else { return self.read(call, began).await };
        let place = self.seen().begin(By::Cache, version, began, false);
        let mut dropped = Dropped { world: &self, is_armed: version.is_some() };
        let made = self.write(call, version.flatten()).await;
        dropped.is_armed &= made.as_ref().is_err_and(|error| !matches!(error, Error::Conflict { .. }));
        drop(dropped);
        let ended = self.sim.step(|| format!("{call:?} of {version:?} ends: {made:?}"));
        let mut seen = self.seen();
        let Some(written) = seen.written.get_mut(place) else { return };
        written.is_acknowledged = made.is_ok();
        written.ended = match made {
            Err(Error::OutcomeUnknown { .. }) => None,
            _ => Some(ended),
        };
    }

    async fn write(&self, call: Call, version: Option<u64>) -> Result<()> {
        match (call, version) {
            (Call::Put, Some(version)) => self.docs.put(Copied::new(version)).await,
            (Call::Upsert, Some(version)) => {
                let upsert = self.docs.upsert(1, || Copied::new(version), |copy| copy.version = version);
                upsert.await.map(drop)
            }
            (Call::RefreshFrom, _) => {
                let origin = self.origin.clone();
                self.docs.refresh_from(1, || origin.load()).await.map(drop)
            }
            _ => self.docs.delete(1).await,
        }
    }

    async fn read(&self, call: Call, began: u64) {
        let origin = self.origin.clone();
        let found = match call {
            Call::Load => self.docs.get_or_load(1, || origin.load()).await,
            Call::LoadMany => {
                let load = move |_| {
                    let given = origin.clone().load();
                    async { given.await.map(|copy| copy.into_iter().collect::<Vec<_>>()) }
                };
                self.docs.get_or_load_many([1], load).await.map(|found| found.into_iter().next().flatten())
            }
            Call::GetMany => self.docs.get_many([1]).await.map(|found| found.into_iter().next().flatten()),
            Call::Refresh => self.docs.refresh(1).await,
            _ => self.docs.get(1).await,
        };
        self.sim.step(|| format!("{call:?} of step {began} ends: {found:?}"));
        if let Ok(found) = found {
            let (version, looked) = (found.map(|copy| copy.version), self.sim.elapsed());
            self.seen().reads.push(Read { version, began, source: None, looked });
        }
        self.look();
    }

    /// Before the store has settled, the memory holds nothing after a write whose outcome is
    /// unknown.
    fn look(&self) {
        let now = self.sim.elapsed();
        let unsettled = self.unsettled.lock().expect("nobody panics with it");
        let is_unsettled = unsettled.iter().any(|at| now < *at + SETTLES_AFTER);
        let held = self.docs.peek(1);
        assert!(!is_unsettled || held.is_none(), "the store has not settled, and the memory holds {held:?}");
    }

    fn check(&self, has_leases: bool) {
        let (seen, given) = (self.seen(), self.origin.given());
        let is_late = self.sim.state().late_commit.is_some() && !has_leases;
        // A delete waits for a fill for a second at most, and without a lease no condition tells a
        // fill that comes later from one that met no delete.
        let is_brought_back = |read: &Read| {
            is_late
                && read.version.is_some()
                && seen.written.iter().any(|written| written.version == Some(None))
                && given.iter().any(|given| given.version == read.version)
        };
        seen.check(&given, is_brought_back);
    }
}

/// Notes when a write was dropped, or failed in a way that leaves its outcome open.
struct Dropped<'a> {
    world: &'a World,
    is_armed: bool,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if self.is_armed {
            let now = self.world.sim.elapsed();
            self.world.unsettled.lock().expect("nobody panics with it").push(now);
        }
    }
}
