//! The origin behind a cache: a register on the other side of the network, whose versions increase.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kv_runtime::cache::{Cache, IfUnchanged};
use kv_runtime::{KvEntity, Result};

use crate::sim::Sim;
use crate::store::ask;

/// A version of the origin, as the store and the memory hold it. It declares no TTL.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "copy")]
pub struct Copied {
    #[kv(id)]
    pub id: u64,
    pub version: u64,
}

impl Copied {
    pub fn new(version: u64) -> Self {
        Self { id: 1, version }
    }
}

#[derive(Clone)]
pub struct Origin {
    sim: Sim,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    version: Option<u64>,
    newest: u64,
    given: Vec<Given>,
}

/// What a loader gave.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub version: Option<u64>,
    /// The step at which the origin was read.
    pub read: u64,
    /// When the loader ended.
    pub at: Duration,
}

impl Origin {
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), held: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody panics with it")
    }

    /// Makes the next version, which the origin holds from now on.
    pub fn change(&self) -> u64 {
        let mut held = self.held();
        held.newest += 1;
        held.version = Some(held.newest);
        held.newest
    }

    pub fn delete(&self) {
        self.held().version = None;
    }

    /// A loader: the seed decides when the origin is read and when it answers, and whether it fails
    /// or hangs.
    pub async fn load(self) -> Result<Option<Copied>> {
        let (sim, held) = (self.sim.clone(), Arc::clone(&self.held));
        let read = async move {
            let step = sim.step(|| "the origin is read".to_owned());
            Ok((held.lock().expect("nobody panics with it").version, step))
        };
        let (version, read) = ask(&self.sim, "load", false, read).await?;
        let at = self.sim.elapsed();
        self.held().given.push(Given { version, read, at });
        Ok(version.map(Copied::new))
    }

    pub fn given(&self) -> Vec<Given> {
        self.held().given.clone()
    }
}

/// A cache with timeouts, pauses, refreshes ahead and an executor, or without.
pub fn any_cache(sim: &Sim) -> Cache<Copied, IfUnchanged> {
    let maybe = || sim.chance(500);
    let mut cache = Cache::new().memory_ttl(MEMORY_TTL).negative_ttl(NEGATIVE_TTL);
    if maybe() {
        cache = cache.pause(Duration::ZERO);
    }
    if maybe() {
        cache = cache.stale_for(STALE_FOR);
    }
    if maybe() {
        cache = cache.hard_timeout(Duration::from_millis(500));
    }
    if maybe() {
        cache = cache.soft_timeout(Duration::from_millis(50));
    }
    if maybe() {
        cache = cache.refresh_ahead(0.5);
    }
    if sim.chance(700) {
        let sim = sim.clone();
        cache = cache.spawner(move |task| sim.state().spawned.push(task));
    }
    cache
}

pub const MEMORY_TTL: Duration = Duration::from_secs(20);

/// How long the memory holds that there is nothing.
pub const NEGATIVE_TTL: Duration = Duration::from_secs(5);
pub const STALE_FOR: Duration = Duration::from_secs(30);
