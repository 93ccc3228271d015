//! Writes and loads under way at each id.
//!
//! An id is in the map only while a call on it is under way, so the map is as small as the number
//! of calls. It replaces an epoch counter for every id: a write removes the load from the map, and
//! a load that is not in the map keeps no result. No lock of this map is held across an await.
//!
//! The map is divided into places, each with its own lock. Ids are spread over them by their hash.
//!
//! What is under way has an age ([`age`]): a future may never be polled again, and never be dropped.

mod age;

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Lock, MutexGuard as Locked, PoisonError, Weak};
use std::time::Duration;

use kv_store::key::EntityId;
use kv_store::store::{Mark, SETTLES_AFTER};
use quick_cache::DefaultHashBuilder;

use super::drive::{Cycle, Drive};
use super::entry::Moment;
use super::flight::Flight;

/// The number of places. Ids that share a place share its lock.
const PLACES: usize = 64;

/// How long a write may be under way. A fill has as long.
const LONGEST: Duration = SETTLES_AFTER;

/// When a load is too old that nobody but its own caller drives.
pub(super) fn alone_until(now: Moment) -> Moment {
    now.saturating_add(LONGEST)
}

/// How many unsettled ids of a place are noted at most.
const MOST_UNSETTLED: usize = 1_024;

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

/// The writes and loads under way at the ids of one place.
pub(super) struct Shard<Id, T> {
    ids: HashMap<Id, AtId<T>, DefaultHashBuilder>,
    unsettled: Unsettled<Id>,
    /// How many writes have begun here.
    writes: u64,
    /// When all ids are looked through next for what is too old.
    sweep_at: Moment,
}

pub(super) struct AtId<T> {
    /// Writes that have begun and not ended.
    writers: Vec<Writer>,
    /// Incremented when a write begins and when it ends, so that a write can tell whether it was
    /// alone.
    epoch: u32,
    loads: [Option<Arc<Flight<T>>>; 2],
    /// When the latest load is too old, if no caller may wait for it and so drive it.
    loads_until: Option<Moment>,
    filling: Option<Filling>,
    /// Settles when no write of unknown outcome can take place any more.
    unsettled: Option<Mark>,
}

/// A write that is under way.
struct Writer {
    number: u64,
    /// Then it is too old.
    until: Moment,
}

/// What a write needs in order to end.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    number: u64,
    epoch: u32,
}

/// A fill of the store that is under way.
#[derive(Clone)]
pub(super) struct Filling {
    drive: Weak<Drive>,
    is_over: Arc<AtomicBool>,
    /// Whether a write has to wait for it, because the fill could undo the write.
    first: bool,
    /// A mark: until it has settled, the fill may still take place, if it is not known to be over.
    until: Moment,
}

/// A caller's role in a load.
pub(super) enum Part<T> {
    /// The caller runs the load. The drive belongs to the load that it replaces: drop it without
    /// holding a lock.
    Lead(Arc<Flight<T>>, Option<Arc<Drive>>),
    /// Another caller has begun the load.
    Wait(Arc<Flight<T>>, Arc<Drive>),
    /// The caller is itself part of that load. Drop the drive without holding a lock.
    Within(Arc<Drive>),
}

impl<Id: EntityId, T: Clone> InFlight<Id, T> {
    pub(super) fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        let shard = || {
            let ids = HashMap::with_hasher(hasher.clone());
            Lock::new(Shard { ids, unsettled: Unsettled::default(), writes: 0, sweep_at: Moment(0) })
        };
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
    /// Notes that a write or a load begins at an id.
    pub(super) fn begin<R>(&mut self, id: &Id, begin: impl FnOnce(&mut AtId<T>) -> R) -> R {
        begin(self.ids.entry(id.clone()).or_default())
    }

    /// Notes that a write or a load has ended at an id. An id without writes and loads leaves the
    /// map.
    pub(super) fn end<R>(&mut self, id: &Id, end: impl FnOnce(&mut AtId<T>) -> R) -> Option<R> {
        let at = self.ids.get_mut(id)?;
        let ended = end(at);
        if at.is_idle() {
            self.ids.remove(id);
        }
        Some(ended)
    }

    /// Returns whether all writes of this id with an unknown outcome have settled. Also removes
    /// settled marks of other ids.
    pub(super) fn is_settled(&mut self, id: &Id, has_settled: impl Fn(Mark) -> bool) -> bool {
        let Self { ids, unsettled, .. } = self;
        if unsettled.is_empty() {
            return true;
        }
        while let Some(first) = unsettled.ids.pop_front() {
            let Some(at) = ids.get_mut(&first) else { continue };
            if at.unsettled.is_some_and(|mark| !has_settled(mark)) {
                unsettled.ids.push_front(first);
                break;
            }
            at.unsettled = None;
            if at.is_idle() {
                ids.remove(&first);
            }
        }
        unsettled.all = unsettled.all.filter(|mark| !has_settled(*mark));
        let mark = ids.get(id).and_then(|at| at.unsettled);
        unsettled.all.is_none() && mark.is_none_or(has_settled)
    }

    /// Notes that a write of this id may take place until the mark has settled.
    pub(super) fn unsettle(&mut self, id: &Id, mark: Mark) {
        let Self { ids, unsettled, .. } = self;
        if unsettled.ids.len() >= MOST_UNSETTLED {
            unsettled.all = Some(mark);
            for id in unsettled.ids.drain(..) {
                let Some(at) = ids.get_mut(&id) else { continue };
                at.unsettled = None;
                if at.is_idle() {
                    ids.remove(&id);
                }
            }
        } else if ids.entry(id.clone()).or_default().unsettled.replace(mark).is_none() {
            unsettled.ids.push_back(id.clone());
        }
    }

    /// Begins a write of this id. Returns what it needs in order to end, and the fill of the store
    /// that has to end first.
    pub(super) fn begin_write(&mut self, id: &Id, now: Moment) -> (Begun, Option<Filling>) {
        self.writes = self.writes.wrapping_add(1);
        let writer = Writer { number: self.writes, until: now.saturating_add(LONGEST) };
        self.begin(id, |at| at.begin_write(writer))
    }

    /// Detaches all loads, so that their results are not held.
    pub(super) fn move_epochs(&mut self) {
        self.ids.values_mut().for_each(AtId::move_epoch);
        self.ids.retain(|_, at| !at.is_idle());
    }
}

/// The unsettled ids of a place.
struct Unsettled<Id> {
    /// The ids that are noted, the oldest first.
    ids: VecDeque<Id>,
    /// Set if there were too many to note each: until it settles, no id of the place has settled.
    all: Option<Mark>,
}

impl<Id> Unsettled<Id> {
    fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.all.is_none()
    }
}

impl<Id> Default for Unsettled<Id> {
    fn default() -> Self {
        Self { ids: VecDeque::new(), all: None }
    }
}

impl<T> Default for AtId<T> {
    fn default() -> Self {
        Self {
            writers: Vec::new(),
            epoch: 0,
            loads: [None, None],
            loads_until: None,
            filling: None,
            unsettled: None,
        }
    }
}

impl<T: Clone> AtId<T> {
    /// Joins the load of this kind, or begins one. `anew`: never joins a load that has begun
    /// already. `alone_until`: set where no caller may wait for another's load. Then it begins one
    /// beside it, which is too old at this moment. `drive` runs the loads that the caller has begun,
    /// for which it may wait; it is made for the first one.
    pub(super) fn join(
        &mut self,
        kind: Kind,
        anew: bool,
        alone_until: Option<Moment>,
        drive: &mut Option<Arc<Drive>>,
    ) -> Part<T> {
        let begun = self.loads[kind as usize].as_ref();
        let begun = begun.and_then(|flight| Some((Arc::clone(flight), flight.drive.upgrade()?)));
        let own = drive.as_ref();
        let may_wait =
            |driven: &Arc<Drive>| alone_until.is_none() || own.is_some_and(|own| Arc::ptr_eq(own, driven));
        match begun {
            Some((_, driven)) if driven.is_polled_here() => Part::Within(driven),
            Some((flight, driven)) if !anew && may_wait(&driven) => Part::Wait(flight, driven),
            begun => {
                if anew {
                    self.move_epoch();
                }
                let group = match &begun {
                    Some((begun, _)) if !anew => begun.group.clone(),
                    _ => alone_until.map(|_| Arc::default()),
                };
                let flight = Arc::new(Flight::new(group, drive.get_or_insert_with(Drive::new)));
                self.loads[kind as usize] = Some(Arc::clone(&flight));
                self.loads_until = alone_until;
                Part::Lead(flight, begun.map(|(_, driven)| driven))
            }
        }
    }

    /// Returns whether there is a load of this kind that somebody waits for or drives.
    pub(super) fn is_loading(&self, kind: Kind) -> bool {
        self.loads[kind as usize].as_ref().is_some_and(|flight| flight.drive.strong_count() > 0)
    }

    pub(super) fn filling(&self) -> Option<Filling> {
        self.filling.clone()
    }

    /// Returns whether no write has met this load, and none is under way.
    fn may_fill(&self, kind: Kind, flight: &Arc<Flight<T>>) -> bool {
        let latest = self.loads[kind as usize].as_ref();
        self.writers.is_empty() && latest.is_some_and(|latest| latest.is_beside(flight))
    }

    /// Begins to fill the store, if no write has met the load, and no fill is under way that
    /// overwrites without a condition.
    pub(super) fn begin_fill(
        &mut self,
        kind: Kind,
        flight: &Arc<Flight<T>>,
        first: bool,
        until: Moment,
    ) -> Option<Arc<AtomicBool>> {
        if !self.may_fill(kind, flight) || self.filling.as_ref().is_some_and(|filling| filling.first) {
            return None;
        }
        let is_over = Arc::<AtomicBool>::default();
        let drive = flight.drive.clone();
        self.filling = Some(Filling { drive, is_over: Arc::clone(&is_over), first, until });
        Some(is_over)
    }

    pub(super) fn end_fill(&mut self, is_over: &Arc<AtomicBool>) {
        self.filling.take_if(|filling| Arc::ptr_eq(&filling.is_over, is_over));
        // It may have read the store before the fill took place.
        self.loads[Kind::Read as usize] = None;
    }

    /// Ends a load: later callers begin another one.
    pub(super) fn end(&mut self, kind: Kind, flight: &Arc<Flight<T>>) {
        if self.loads[kind as usize].as_ref().is_some_and(|latest| Arc::ptr_eq(latest, flight)) {
            self.loads[kind as usize] = None;
        }
    }

    /// Returns whether the result of the load may be held. If it supersedes reads that are under
    /// way, their results may not be held any more. A read during a fill may be older than the
    /// fill.
    pub(super) fn settle(
        &mut self,
        kind: Kind,
        flight: &Arc<Flight<T>>,
        supersedes: bool,
        now: Moment,
    ) -> bool {
        let is_filling = self.filling.as_ref().is_some_and(|filling| now < filling.until);
        let may_fill = self.may_fill(kind, flight) && !(kind == Kind::Read && is_filling);
        if may_fill && supersedes {
            self.loads[Kind::Read as usize] = None;
        }
        may_fill
    }

    fn begin_write(&mut self, writer: Writer) -> (Begun, Option<Filling>) {
        self.move_epoch();
        let begun = Begun { number: writer.number, epoch: self.epoch };
        self.writers.push(writer);
        (begun, self.filling.clone().filter(|filling| filling.first))
    }

    /// Ends a write. Returns whether it met no other write, and was not too old.
    pub(super) fn end_write(&mut self, begun: Begun) -> bool {
        let own = self.writers.iter().position(|writer| writer.number == begun.number);
        // A write that began before and is still under way may take place after this one.
        let was_alone = own.is_some() && self.writers.len() == 1 && self.epoch == begun.epoch;
        self.move_epoch();
        if let Some(own) = own {
            self.writers.swap_remove(own);
        }
        was_alone
    }

    /// Detaches the loads, because a write begins or ends and they may be older than it.
    pub(super) fn move_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.loads = [None, None];
    }

    fn is_idle(&self) -> bool {
        self.writers.is_empty()
            && self.filling.is_none()
            && self.unsettled.is_none()
            && self.loads.iter().all(Option::is_none)
    }
}

impl Filling {
    /// Drives the fill to its end. A fill without a drive has ended already.
    pub(super) async fn end(self) -> Result<(), Cycle> {
        let Some(drive) = self.drive.upgrade() else { return Ok(()) };
        drive.until(|| self.is_over.load(Ordering::SeqCst).then_some(())).await
    }
}

#[cfg(test)]
mod tests;
