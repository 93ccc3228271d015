//! The memory tier: what is held, what is going on, and the rule of what may be held when.
//!
//! The rule: each write moves its id's epoch before and after its store call, by a guard, so that one that is dropped does, too. What a load
//! brings is held only if no write has met it. What a write wrote is held only if no other write met it. All of it happens under
//! the lock of the id's place in [`InFlight`], so that there is no moment between the test and the fill.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::config::{Cache, Settings, Weigh};
use super::entry::{Age, Entry, Lifetime, Spans};
use super::flight::{Flight, Waited};
use super::in_flight::{AtId, InFlight, Kind};
use super::memory::{Left, Memory, Negative};
use super::stats::{Count, Counters};
use crate::clock::{Clock, Timestamp};
use crate::entity::KvEntity;
use crate::error::{Error, Result};
use crate::key::Lookup;
use crate::served::Whence;

/// Whether a call may wait for what another one does. In a Worker none may: its runtime refuses to let a request go on within another
/// one, and a request whose client has gone stands still for ever, with all that it holds. There each call loads for itself.
const CALLERS_WAIT: bool = cfg!(not(target_arch = "wasm32"));

pub(super) struct Tier<E: KvEntity> {
    pub(super) settings: Settings,
    pub(super) counters: Counters,
    clock: Clock,
    spans: Spans,
    /// Whether records expire for no other reason than that the cache gave them a TTL: then they may be stale beyond it.
    expiry_is_ours: bool,
    weigh: Option<Weigh<E>>,
    memory: Memory<E>,
    in_flight: InFlight<E::Id, Outcome<E>>,
}

/// How a load ended, for all who wait for it.
pub(super) type Outcome<E> = Result<Got<E>>;

/// What a load brought.
pub(super) struct Got<E> {
    pub(super) value: Option<Arc<E>>,
    pub(super) whence: Whence,
}

impl<E> Clone for Got<E> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), whence: self.whence }
    }
}

/// What the memory says of an id.
pub(super) enum Look<E> {
    Fresh(Arc<E>),
    /// Fresh, and a refresh is due.
    Due(Arc<E>),
    /// Too old, but better than nothing.
    Stale(Entry<E>),
    Nothing,
}

/// What is to be held of an id.
pub(super) enum Fill<E> {
    Present(Entry<E>),
    Absent { for_origin: bool },
    Failed(Error),
}

impl<E: KvEntity> Tier<E> {
    pub(super) fn new<F>(cache: Cache<E, F>, clock: Clock, expires_by_itself: bool) -> Self {
        Self {
            expiry_is_ours: cache.settings.store_ttl.is_some() && !expires_by_itself,
            memory: Memory::new(&cache.settings),
            spans: Spans::of(&cache.settings),
            settings: cache.settings,
            counters: Counters::of(E::SCHEMA.name()),
            clock,
            weigh: cache.weigh,
            in_flight: InFlight::new(),
        }
    }

    /// What the memory has fresh, or what else it has. All of a hit is here, and nothing that a hit does not need.
    #[inline]
    pub(super) fn hit<L: Lookup<E::Id>>(&self, id: &L) -> Result<Arc<E>, Option<Entry<E>>> {
        let Some(entry) = self.memory.get(id) else { return Err(None) };
        if entry.is_fresh(self.clock.coarse()) {
            self.counters.hit();
            Ok(entry.value)
        } else {
            Err(Some(entry))
        }
    }

    /// What the memory says of an id.
    #[inline]
    pub(super) fn look<L: Lookup<E::Id>>(&self, id: &L) -> Look<E> {
        match self.hit(id) {
            Ok(value) => Look::Fresh(value),
            Err(other) => self.look_at(other),
        }
    }

    /// What an entry is worth that is no hit.
    pub(super) fn look_at(&self, entry: Option<Entry<E>>) -> Look<E> {
        let Some(entry) = entry else { return Look::Nothing };
        match entry.age(self.now(), self.spans) {
            Age::Fresh => Look::Fresh(entry.value),
            Age::Due => {
                self.counters.hit();
                Look::Due(entry.value)
            }
            Age::Stale => Look::Stale(entry),
            Age::Dead => Look::Nothing,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.coarse()
    }

    /// What may stand in for this call if it fails. What the store no longer has stands in for an origin alone.
    pub(super) fn stand_in(entry: Entry<E>, kind: Kind) -> Option<Entry<E>> {
        Some(entry).filter(|entry| kind == Kind::Load || !entry.is_for_loads())
    }

    /// Whether this may still be served in place of something better.
    pub(super) fn may_serve_stale(&self, entry: &Entry<E>) -> bool {
        entry.age(self.now(), self.spans) != Age::Dead
    }

    /// Whether a call of this kind need not be made, because it is known how it would end.
    pub(super) fn known(&self, id: &E::Id, kind: Kind) -> Option<Result<()>> {
        let now = self.now();
        match self.memory.negative(id)? {
            Negative::Absent { until, for_origin } if now < until && (for_origin || kind == Kind::Read) => {
                Some(Ok(()))
            }
            Negative::Failed { until, kind: failed, error } if now < until && failed == kind => {
                Some(Err(error))
            }
            _ => None,
        }
    }

    /// An entry whose TTL counts from `since`.
    pub(super) fn entry(
        &self,
        value: &Arc<E>,
        since: Timestamp,
        ttl: Option<Duration>,
        expires_at: Option<Timestamp>,
    ) -> Entry<E> {
        let weight = self.weigh.as_ref().map_or(1, |weigh| weigh.weigh(value));
        let lifetime = Lifetime {
            since,
            ttl: ttl.unwrap_or(self.settings.memory_ttl),
            expires_at,
            stale_beyond: self.expiry_is_ours,
        };
        Entry::new(Arc::clone(value), weight, &lifetime, &self.settings, self.spans, &self.clock)
    }

    /// Takes part in the load of this id: as its leader, or as one who waits. `anew`: not in a load that has begun already.
    pub(super) fn join(self: &Arc<Self>, id: E::Id, kind: Kind, anew: bool) -> Seat<E> {
        let join = |at: &mut AtId<_>| {
            if anew || !CALLERS_WAIT {
                at.move_epoch();
            }
            at.join(kind)
        };
        let (flight, leads) = self.in_flight.lock(&id).begin(&id, join);
        Seat { tier: Arc::clone(self), id, kind, flight, leads, ended: false }
    }

    /// Begins a write. `keep`: it does not change what the entity is, so the memory may go on serving it.
    pub(super) fn begin_write(self: &Arc<Self>, id: E::Id, keep: bool) -> Writing<E> {
        let mut in_flight = self.in_flight.lock(&id);
        let (epoch, filling) = in_flight.begin(&id, AtId::begin_write);
        let left = (!keep).then(|| self.memory.remove(&id));
        drop(in_flight);
        drop(left);
        Writing { tier: Arc::clone(self), id, epoch, filling, after: After::Forget }
    }

    /// Forgets an id, and what is being loaded of it.
    pub(super) fn forget(&self, id: &E::Id) {
        let mut in_flight = self.in_flight.lock(id);
        in_flight.end(id, AtId::move_epoch);
        let left = self.memory.remove(id);
        drop(in_flight);
        drop(left);
    }

    pub(super) fn forget_all(&self) {
        for mut in_flight in self.in_flight.all() {
            in_flight.move_epochs();
        }
        self.memory.clear();
    }

    pub(super) fn sizes(&self) -> (usize, u64, usize, u64) {
        self.memory.sizes()
    }

    fn until(&self, ttl: Duration) -> Timestamp {
        self.now().saturating_add(ttl)
    }

    /// What has to be dropped after the lock is given to the caller.
    fn hold(&self, id: &E::Id, fill: Fill<E>, kind: Kind) -> Option<Left<E>> {
        let settings = &self.settings;
        match fill {
            Fill::Present(entry) => Some(self.memory.insert(id, entry)),
            Fill::Absent { for_origin } => {
                // That the store has none is no word of the origin's: what there was may still stand in for that. A delete has taken it
                // out before.
                let kept = self.memory.peek(id).filter(|_| !for_origin);
                let kept = kept.map(|entry| entry.for_loads(self.now(), self.spans));
                let left = match kept.filter(|entry| self.may_serve_stale(entry)) {
                    Some(entry) => self.memory.insert(id, entry),
                    None => self.memory.remove(id),
                };
                if !settings.negative_ttl.is_zero() {
                    let until = self.until(settings.jittered(settings.negative_ttl));
                    self.memory.insert_negative(id, Negative::Absent { until, for_origin });
                }
                Some(left)
            }
            Fill::Failed(error) => {
                if !settings.pause.is_zero() {
                    let until = self.until(settings.pause);
                    self.memory.insert_negative(id, Negative::Failed { until, kind, error });
                }
                None
            }
        }
    }
}

/// A caller's part in a load. Who drops it goes: a leader leaves the lead to another.
pub(super) struct Seat<E: KvEntity> {
    tier: Arc<Tier<E>>,
    pub(super) id: E::Id,
    pub(super) kind: Kind,
    flight: Arc<Flight<Outcome<E>>>,
    leads: bool,
    /// Whether the load has ended, so that there is nothing to leave.
    ended: bool,
}

impl<E: KvEntity> Seat<E> {
    pub(super) fn leads(&self) -> bool {
        self.leads
    }

    /// How another's load ended; nothing if it is on this caller to drive it.
    pub(super) async fn wait(&mut self) -> Option<Outcome<E>> {
        if self.leads {
            return None;
        }
        match self.flight.wait().await {
            Waited::Done(outcome) => {
                self.ended = true;
                Some(outcome)
            }
            Waited::Lead => {
                self.leads = true;
                None
            }
        }
    }

    /// Keeps what the load brought, unless a write has met it.
    pub(super) fn settle(&self, fill: Fill<E>) {
        let mut in_flight = self.tier.in_flight.lock(&self.id);
        // A load ends what is being read: a read that began before may have seen less.
        let supersedes = self.kind == Kind::Load && !matches!(fill, Fill::Failed(_));
        let may_fill = in_flight.end(&self.id, |at| at.settle(self.kind, &self.flight, supersedes));
        if may_fill != Some(true) {
            self.tier.counters.count(Count::Detached);
            return;
        }
        let left = self.tier.hold(&self.id, fill, self.kind);
        drop(in_flight);
        drop(left);
    }

    /// The turn to fill the store, if no write has met the load. A write that begins now waits for its end.
    pub(super) fn begin_fill(&self) -> Option<FillTurn<E>> {
        let mut in_flight = self.tier.in_flight.lock(&self.id);
        let guard = in_flight.end(&self.id, |at| at.begin_fill(self.kind, &self.flight)).flatten()?;
        Some(FillTurn { tier: Arc::clone(&self.tier), id: self.id.clone(), _guard: guard })
    }

    /// Tells all who wait how the load ended.
    pub(super) fn complete(mut self, outcome: Outcome<E>) {
        self.ended = true;
        self.tier.in_flight.lock(&self.id).end(&self.id, |at| at.end(self.kind, &self.flight));
        self.flight.complete(outcome);
    }
}

impl<E: KvEntity> Drop for Seat<E> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.tier.in_flight.lock(&self.id).end(&self.id, |at| at.leave(self.kind, &self.flight));
        if self.leads {
            self.flight.give_up();
        }
    }
}

/// While it is there, writes of the id wait.
pub(super) struct FillTurn<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    _guard: OwnedMutexGuard<()>,
}

impl<E: KvEntity> Drop for FillTurn<E> {
    fn drop(&mut self) {
        self.tier.in_flight.lock(&self.id).end(&self.id, AtId::end_fill);
    }
}

/// A write that goes on. Who drops it unfinished leaves nothing in memory: how it ended is not known.
pub(super) struct Writing<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    epoch: u32,
    filling: Option<Arc<Mutex<()>>>,
    after: After<E>,
}

enum After<E> {
    Forget,
    Hold(Fill<E>),
    /// What stands in memory is right, up to this moment.
    Keep(Option<Timestamp>),
}

impl<E: KvEntity> Writing<E> {
    /// Waits until the fill of the store has ended that was allowed before the write began.
    pub(super) async fn after_fill(&mut self) {
        if let Some(filling) = self.filling.take().filter(|_| CALLERS_WAIT) {
            drop(filling.lock().await);
        }
    }

    /// The write is done, and this is what stands in the store.
    pub(super) fn hold(mut self, fill: Fill<E>) {
        self.after = After::Hold(fill);
    }

    /// The write is done, and the entity is as it was, with this expiry.
    pub(super) fn keep(mut self, expires_at: Option<Timestamp>) {
        self.after = After::Keep(expires_at);
    }
}

impl<E: KvEntity> Drop for Writing<E> {
    fn drop(&mut self) {
        let Self { tier, id, epoch, after, .. } = self;
        let mut in_flight = tier.in_flight.lock(id);
        let was_alone = in_flight.end(id, |at| at.end_write(*epoch)) == Some(true);
        let left = match std::mem::replace(after, After::Forget) {
            After::Hold(fill) if was_alone => tier.hold(id, fill, Kind::Read),
            After::Keep(None) => None,
            After::Keep(Some(end)) => tier
                .memory
                .peek(id)
                .filter(|entry| entry.outlives(end, tier.spans))
                .map(|entry| tier.memory.insert(id, entry.ending_at(end, tier.spans, &tier.clock))),
            After::Hold(_) | After::Forget => Some(tier.memory.remove(id)),
        };
        drop(in_flight);
        drop(left);
    }
}
