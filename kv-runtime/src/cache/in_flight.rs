//! What is going on at each id: writes, and loads that callers wait for.
//!
//! An id is in the map only while something goes on there, so the map is as small as the number of calls. It is what an epoch
//! counter for every id would be, without the counters: a load that a write has met is no longer the one in the map, and what it brings is kept
//! nowhere.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex as Lock, MutexGuard as Locked, PoisonError};

use quick_cache::DefaultHashBuilder;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::flight::Flight;
use crate::key::EntityId;

/// Ids that share a place wait for each other's moments under its lock.
const PLACES: usize = 64;

/// Calls of different kinds do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The store is asked.
    Read,
    /// The store is asked, then the origin.
    Load,
}

pub(super) struct InFlight<Id, T> {
    shards: Box<[Lock<Shard<Id, T>>]>,
    hasher: DefaultHashBuilder,
}

/// What goes on at the ids of one place.
pub(super) struct Shard<Id, T>(HashMap<Id, AtId<T>, DefaultHashBuilder>);

pub(super) struct AtId<T> {
    /// Writes that have begun and not ended.
    writers: u32,
    /// Moved when a write begins and when it ends, so that a write can tell whether it was alone.
    epoch: u32,
    loads: [Option<Joined<T>>; 2],
    /// Held while the store is filled.
    filling: Option<Arc<Mutex<()>>>,
}

struct Joined<T> {
    flight: Arc<Flight<T>>,
    callers: u32,
}

impl<Id: EntityId, T: Clone> InFlight<Id, T> {
    pub(super) fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        let shard = || Lock::new(Shard(HashMap::with_hasher(hasher.clone())));
        Self { shards: std::iter::repeat_with(shard).take(PLACES).collect(), hasher }
    }

    /// What goes on at the ids that share a place with this one.
    pub(super) fn lock(&self, id: &Id) -> Locked<'_, Shard<Id, T>> {
        let shard = &self.shards[self.hasher.hash_one(id) as usize % PLACES];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Locked<'_, Shard<Id, T>>> {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<Id: EntityId, T: Clone> Shard<Id, T> {
    /// Something begins at an id.
    pub(super) fn begin<R>(&mut self, id: &Id, begin: impl FnOnce(&mut AtId<T>) -> R) -> R {
        begin(self.0.entry(id.clone()).or_default())
    }

    /// Something ends at an id, if anything goes on there. An id where nothing goes on any more leaves the map.
    pub(super) fn end<R>(&mut self, id: &Id, end: impl FnOnce(&mut AtId<T>) -> R) -> Option<R> {
        let at = self.0.get_mut(id)?;
        let ended = end(at);
        if at.is_idle() {
            self.0.remove(id);
        }
        Some(ended)
    }

    /// What is being loaded of any id is not to be held.
    pub(super) fn move_epochs(&mut self) {
        self.0.values_mut().for_each(AtId::move_epoch);
        self.0.retain(|_, at| !at.is_idle());
    }
}

impl<T> Default for AtId<T> {
    fn default() -> Self {
        Self { writers: 0, epoch: 0, loads: [None, None], filling: None }
    }
}

impl<T: Clone> AtId<T> {
    /// The load of this kind, and whether the caller leads it.
    pub(super) fn join(&mut self, kind: Kind) -> (Arc<Flight<T>>, bool) {
        match &mut self.loads[kind as usize] {
            Some(joined) => {
                joined.callers += 1;
                (Arc::clone(&joined.flight), false)
            }
            none => {
                let flight = Arc::new(Flight::led());
                *none = Some(Joined { flight: Arc::clone(&flight), callers: 1 });
                (flight, true)
            }
        }
    }

    /// A caller goes. With the last one the load goes, too.
    pub(super) fn leave(&mut self, kind: Kind, flight: &Arc<Flight<T>>) {
        if let Some(joined) = self.attached(kind, flight) {
            joined.callers -= 1;
            if joined.callers == 0 {
                self.loads[kind as usize] = None;
            }
        }
    }

    /// Whether no write has met this load, and none goes on.
    fn may_fill(&mut self, kind: Kind, flight: &Arc<Flight<T>>) -> bool {
        self.writers == 0 && self.attached(kind, flight).is_some()
    }

    /// Begins to fill the store, if no write has met the load. Loads of one id do so one at a time.
    pub(super) fn begin_fill(&mut self, kind: Kind, flight: &Arc<Flight<T>>) -> Option<OwnedMutexGuard<()>> {
        if !self.may_fill(kind, flight) || self.filling.is_some() {
            return None;
        }
        let filling = Arc::default();
        self.filling = Some(Arc::clone(&filling));
        filling.try_lock_owned().ok()
    }

    pub(super) fn end_fill(&mut self) {
        self.filling = None;
    }

    /// Ends a load: who comes now begins another.
    pub(super) fn end(&mut self, kind: Kind, flight: &Arc<Flight<T>>) {
        if self.attached(kind, flight).is_some() {
            self.loads[kind as usize] = None;
        }
    }

    /// Whether what the load brought may be held. If it supersedes what is being read, that may not be held any more.
    pub(super) fn settle(&mut self, kind: Kind, flight: &Arc<Flight<T>>, supersedes: bool) -> bool {
        let may_fill = self.may_fill(kind, flight);
        if may_fill && supersedes {
            self.loads[Kind::Read as usize] = None;
        }
        may_fill
    }

    /// A write begins: its epoch, and the fill of the store that it has to wait for.
    pub(super) fn begin_write(&mut self) -> (u32, Option<Arc<Mutex<()>>>) {
        self.move_epoch();
        self.writers += 1;
        (self.epoch, self.filling.clone())
    }

    /// A write ends that began at this epoch; whether it met no other.
    pub(super) fn end_write(&mut self, epoch: u32) -> bool {
        let was_alone = self.epoch == epoch;
        self.move_epoch();
        self.writers -= 1;
        was_alone
    }

    /// A write begins or ends: what is being loaded may be older than it.
    pub(super) fn move_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.loads = [None, None];
    }

    fn is_idle(&self) -> bool {
        self.writers == 0 && self.filling.is_none() && self.loads.iter().all(Option::is_none)
    }

    fn attached(&mut self, kind: Kind, flight: &Arc<Flight<T>>) -> Option<&mut Joined<T>> {
        self.loads[kind as usize].as_mut().filter(|joined| Arc::ptr_eq(&joined.flight, flight))
    }
}
