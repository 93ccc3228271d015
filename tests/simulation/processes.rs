//! A cache in front of a store that another process writes, too, or another part of the cache's own
//! process. Each writer changes the origin first, and then the store. Nothing that is read from the
//! store is older than a write that was acknowledged before. Memory is behind another process by its
//! TTL at most, and never behind its own process.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kv_runtime::cache::Cached;
use kv_runtime::{Collection, Error, Kv, Result, Source, Sourced};

use crate::calls::some;
use crate::origin::{Copied, Origin, any_cache};
use crate::run::Run;
use crate::seen::{By, Read, Seen};
use crate::sim::Sim;
use crate::store::SimStore;

crate::scenarios!(on_a_server, on_a_file, in_memory, in_one_process);

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
    /// The store is read past the cache.
    Look,
    OtherPut,
    /// With a TTL.
    OtherPutBriefly,
    OtherUpdate,
    OtherDelete,
    OtherDeleteMany,
}

const ALL: [Call; 16] = [
    Call::Put,
    Call::Upsert,
    Call::Delete,
    Call::Load,
    Call::Load,
    Call::LoadMany,
    Call::RefreshFrom,
    Call::Get,
    Call::GetMany,
    Call::Look,
    Call::OtherPut,
    Call::OtherPut,
    Call::OtherPutBriefly,
    Call::OtherUpdate,
    Call::OtherDelete,
    Call::OtherDeleteMany,
];

/// Shorter than a lease, and longer.
const BRIEFLY: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(150)];

fn on_a_server(sim: &Sim) {
    let store = SimStore::remote(sim);
    let other = store.elsewhere();
    run(sim, store, other, false);
}

fn on_a_file(sim: &Sim) {
    let store = SimStore::embedded(sim);
    let other = store.elsewhere();
    run(sim, store, other, false);
}

fn in_memory(sim: &Sim) {
    let store = SimStore::local(sim);
    let other = store.elsewhere();
    run(sim, store, other, false);
}

/// The other one writes through another handle on the same engine, so the cache hears it.
fn in_one_process(sim: &Sim) {
    let store = if sim.chance(250) { SimStore::embedded(sim) } else { SimStore::remote(sim) };
    run(sim, store.clone(), store, true);
}

fn run(sim: &Sim, store: SimStore, other: SimStore, is_heard: bool) {
    let world = Arc::new(World {
        sim: sim.clone(),
        docs: Kv::new(store.clone()).collection::<Copied>().cached(any_cache(sim)),
        other: Kv::new(other).collection::<Copied>(),
        is_heard,
        origin: Origin::new(sim),
        seen: Mutex::default(),
    });
    if sim.chance(500) {
        world.origin.change();
    }
    let mut run = Run::with(sim, 20, pass);
    for call in some(sim, &ALL) {
        run.add(Arc::clone(&world).make(call));
    }
    run.finish();
    for call in [Call::Look, Call::Get, Call::Load, Call::Look] {
        let mut run = Run::with(sim, 0, pass);
        run.add(Arc::clone(&world).make(call));
        run.finish();
    }
    world.seen().check(&world.origin.given(), |_| false);
}

/// Both clocks move on: records and leases expire by the same clock.
fn pass(sim: &Sim) {
    let millis = [19_900, 6_000, sim.below(100), sim.below(200_000)][sim.below(4)];
    let duration = Duration::from_millis(millis as u64);
    sim.elapse(duration);
    let now = sim.state().wall.now();
    sim.set_time_of_day(now.saturating_add(duration));
}

fn parts(served: Sourced<Option<Arc<Copied>>>) -> (Option<Arc<Copied>>, Source) {
    (served.value, served.source)
}

struct World {
    sim: Sim,
    docs: Cached<Copied, SimStore>,
    other: Collection<Copied, SimStore>,
    /// Whether the cache hears what the other one writes.
    is_heard: bool,
    origin: Origin,
    seen: Mutex<Seen>,
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with it")
    }

    async fn make(self: Arc<Self>, call: Call) {
        let began = self.sim.step(|| format!("{call:?} begins"));
        let by = match call {
            Call::Put | Call::Upsert | Call::Delete | Call::RefreshFrom => By::Cache,
            Call::Load | Call::LoadMany | Call::Get | Call::GetMany | Call::Look => {
                return self.read(call, began).await;
            }
            _ if self.is_heard => By::Cache,
            _ => By::Other,
        };
        let version = match call {
            Call::Delete | Call::OtherDelete | Call::OtherDeleteMany => {
                self.origin.delete();
                Some(None)
            }
            Call::RefreshFrom => None,
            _ => Some(Some(self.origin.change())),
        };
        let place = self.seen().begin(by, version, began, call == Call::OtherPutBriefly);
        let made = self.write(call, version.flatten()).await;
        if call == Call::RefreshFrom && matches!(made, Err(Error::Conflict { .. })) {
            assert_eq!(self.docs.peek(1), None, "memory holds what the store refused");
        }
        let ended = self.sim.step(|| format!("{call:?} of {version:?} ends: {made:?}"));
        let mut seen = self.seen();
        let Some(written) = seen.written.get_mut(place) else { return };
        (written.is_acknowledged, written.ended_at) = (made.is_ok(), self.sim.elapsed());
        written.ended = match made {
            Err(Error::OutcomeUnknown { .. } | Error::Partial { .. }) => None,
            _ => Some(ended),
        };
    }

    async fn write(&self, call: Call, version: Option<u64>) -> Result<()> {
        let copy = || Copied::new(version.unwrap_or_default());
        let change = |copy: &mut Copied| copy.version = version.unwrap_or_default();
        match call {
            Call::Put => self.docs.put(copy()).await,
            Call::Upsert => self.docs.upsert(1, copy, change).await.map(drop),
            Call::Delete => self.docs.delete(1).await,
            Call::RefreshFrom => {
                let origin = self.origin.clone();
                self.docs.refresh_from(1, || origin.load()).await.map(drop)
            }
            Call::OtherPut => self.other.put(&copy()).await,
            Call::OtherPutBriefly => {
                let ttl = BRIEFLY[self.sim.below(BRIEFLY.len())];
                self.other.with_ttl(ttl).put(&copy()).await
            }
            Call::OtherUpdate => self.other.update(1, change).await.map(drop),
            Call::OtherDeleteMany => self.other.delete_many([1]).await,
            _ => self.other.delete(1).await,
        }
    }

    async fn read(&self, call: Call, began: u64) {
        let (origin, asked) = (self.origin.clone(), self.sim.elapsed());
        let found = match call {
            Call::Look => {
                let found = self.other.get(1).await;
                self.sim.step(|| format!("Look of step {began} ends: {found:?}"));
                let Ok(found) = found else { return };
                let version = found.map(|copy| copy.version);
                self.seen().reads.push(Read { version, began, source: None, looked: asked });
                return;
            }
            Call::Load => self.docs.get_or_load_detailed(1, || origin.load()).await.map(parts),
            Call::LoadMany => {
                let load = move |_| {
                    let given = origin.clone().load();
                    async { given.await.map(|copy| copy.into_iter().collect::<Vec<_>>()) }
                };
                let found = self.docs.get_or_load_many([1], load).await;
                found.map(|found| (found.into_iter().next().flatten(), Source::Origin))
            }
            Call::GetMany => {
                let found = self.docs.get_many([1]).await;
                found.map(|found| (found.into_iter().next().flatten(), Source::Store))
            }
            _ => self.docs.get_detailed(1).await.map(parts),
        };
        self.sim.step(|| format!("{call:?} of step {began} ends: {found:?}"));
        let Ok((found, source)) = found else { return };
        // Whether what is stale may be served is decided when nothing better has come.
        let looked = if source == Source::Stale { self.sim.elapsed() } else { asked };
        let version = found.map(|copy| copy.version);
        self.seen().reads.push(Read { version, began, source: Some(source), looked });
    }
}
