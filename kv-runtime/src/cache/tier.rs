//! The memory tier: what is held, which calls are under way, and the rule of what may be held.
//!
//! The rule: each write increments its id's epoch before and after its store call. A guard does
//! that, so a dropped write does it, too. The result of a load is held only if no write has met the
//! load. The entity of a write is held only if no other write has met the write. The check and the
//! fill happen under the lock of the id's place in [`InFlight`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::OnceLock;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use futures_util::future::{Either, select};
#[cfg(not(target_arch = "wasm32"))]
use kv_store::__private::Listening;
use kv_store::key::Lookup;
use kv_store::store::{Store, StoreInfo};
use kv_store::{Clock, Error, Result, Timestamp};

use super::config::{Cache, Settings, Weigh};
use super::day::Day;
use super::entry::{Age, Entry, Lifetime, Moment, Spans};
use super::in_flight::{AtId, Filling, InFlight, Kind, Shard};
use super::memory::{Left, Memory, Negative};
use super::stats::{Count, Counters};
use crate::collection::{Collection, StoredEntity};
use crate::entity::KvEntity;
use crate::small::apart;
use crate::sourced::Source;

/// How long a write waits at most for a fill that began before it. It waits for fills of a pure
/// cache, and for fills of an absent record on a store that other processes share.
const FILL_LIMIT: Duration = Duration::from_secs(1);

pub(super) struct Tier<E: KvEntity> {
    pub(super) settings: Settings,
    pub(super) counters: Counters,
    pub(super) clock: Clock,
    pub(super) spans: Spans,
    pub(super) day: Day,
    weigh: Option<Weigh<E>>,
    pub(super) memory: Memory<E>,
    pub(super) in_flight: InFlight<E::Id, Outcome<E>>,
    pub(super) store: StoreInfo,
    /// Its place among those who hear of writes.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) listening: OnceLock<Listening>,
}

/// The outcome of a load, for all callers that wait.
pub(super) type Outcome<E> = Result<Got<E>>;

/// The result of a load.
pub(super) struct Got<E> {
    pub(super) value: Option<Arc<E>>,
    pub(super) source: Source,
}

impl<E> Clone for Got<E> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), source: self.source }
    }
}

/// The answer of memory for an id.
pub(super) enum Look<E> {
    Fresh(Arc<E>),
    /// A fresh entity that is due for a refresh.
    Due(Arc<E>),
    /// A stale entity.
    Stale(Entry<E>),
    Nothing,
}

/// When a record expires.
#[derive(Clone, Copy)]
pub(super) struct RecordExpiry {
    pub(super) at: Option<Timestamp>,
    /// When it would expire without the TTL of a cache. Until then it may be served stale.
    pub(super) own: Option<Timestamp>,
}

impl RecordExpiry {
    pub(super) const fn of<E>(found: &StoredEntity<E>) -> Self {
        Self { at: found.expires_at, own: found.own_expires_at }
    }
}

/// What memory shall hold of an id.
pub(super) enum Fill<E> {
    Present(Entry<E>),
    /// The `negative_ttl` counts from `since`.
    Absent {
        since: Moment,
        for_origin: bool,
    },
    Failed(Error),
}

impl<E: KvEntity> Tier<E> {
    pub(super) fn new<F, S: Store>(cache: Cache<E, F>, collection: &Collection<E, S>) -> Self {
        let clock = collection.info().clock().clone();
        Self {
            day: Day::of(&clock),
            memory: Memory::new(&cache.settings),
            spans: Spans::of(&cache.settings),
            settings: cache.settings,
            counters: Counters::of(E::SCHEMA.name),
            clock,
            weigh: cache.weigh,
            in_flight: InFlight::new(),
            store: collection.store().info().clone(),
            #[cfg(not(target_arch = "wasm32"))]
            listening: OnceLock::new(),
        }
    }

    /// Returns a fresh entity, or what else memory has. This function is the whole of a hit, and
    /// does nothing that a hit does not need.
    #[inline]
    pub(super) fn hit<L: Lookup<E::Id>>(&self, id: &L) -> Result<Arc<E>, Option<Entry<E>>> {
        let Some(entry) = self.memory.get(id) else { return Err(None) };
        if !entry.is_fresh(self.now()) {
            return Err(Some(entry));
        }
        if entry.expires() && !self.day.is_steady(&self.clock) {
            self.follow_day();
            return Err(None);
        }
        self.counters.hit();
        Ok(entry.value)
    }

    /// Forgets all entities, because the time of day was set forward. Records may have expired
    /// before their entries end, and entries do not say which.
    #[cold]
    fn follow_day(&self) {
        self.day.begin_step();
        self.memory.clear_values();
        self.day.accept_step(&self.clock);
    }

    /// Returns the answer of memory for an id.
    #[inline]
    pub(super) fn look<L: Lookup<E::Id>>(&self, id: &L) -> Look<E> {
        match self.hit(id) {
            Ok(value) => Look::Fresh(value),
            Err(other) => self.look_at(other),
        }
    }

    /// Returns the answer for an entry that is not a hit.
    pub(super) fn look_at(&self, entry: Option<Entry<E>>) -> Look<E> {
        let Some(entry) = entry else { return Look::Nothing };
        if entry.expires() && !self.day.is_steady(&self.clock) {
            self.follow_day();
            return Look::Nothing;
        }
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

    /// Returns the present moment by the monotonic clock.
    #[inline]
    pub(super) fn now(&self) -> Moment {
        Moment(self.clock.coarse_monotonic())
    }

    /// Returns the moment of the monotonic clock at which a record ends that expires at this time
    /// of day.
    pub(super) fn end_of_record(&self, expires_at: Timestamp) -> Moment {
        self.day.end(expires_at, &self.clock)
    }

    /// Returns the entity that may be served if this call fails. An entity that the store no longer
    /// has may only replace an answer of the origin.
    pub(super) fn stand_in(entry: Entry<E>, kind: Kind) -> Option<Entry<E>> {
        Some(entry).filter(|entry| kind == Kind::Load || !entry.is_for_loads())
    }

    /// Returns whether this may still be served instead of a better answer.
    pub(super) fn may_serve_stale(&self, entry: &Entry<E>) -> bool {
        entry.age(self.now(), self.spans) != Age::Dead
    }

    /// Returns the known result of a call of this kind, if the call need not be made.
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

    /// Makes an entry whose TTL counts from `since`.
    pub(super) fn entry(
        &self,
        value: &Arc<E>,
        since: Moment,
        ttl: Option<Duration>,
        expiry: RecordExpiry,
    ) -> Entry<E> {
        let lifetime = Lifetime {
            since,
            ttl: ttl.unwrap_or(self.settings.memory_ttl),
            end: expiry.at.map(|at| self.end_of_record(at)),
            stale_end: expiry.own.map(|at| self.end_of_record(at)),
        };
        Entry::new(Arc::clone(value), self.weight(value), &lifetime, &self.settings, self.spans)
    }

    /// Returns the weight of an entity. The store has it already, so a panic of `weigh` must not
    /// fail the call.
    fn weight(&self, value: &E) -> u64 {
        let Some(weigh) = &self.weigh else { return 1 };
        catch_unwind(AssertUnwindSafe(|| weigh.weigh(value))).unwrap_or_else(|_| {
            self.counters.count(Count::WeighPanic);
            1
        })
    }

    /// Locks what is under way at the ids that share a place with this one, without what is too old.
    pub(super) fn lock(&self, id: &E::Id) -> MutexGuard<'_, Shard<E::Id, Outcome<E>>> {
        let now = self.now();
        let mut in_flight = self.in_flight.lock(id);
        in_flight.age(id, now, || self.store.mark());
        in_flight
    }

    /// Returns whether a load of this kind is under way.
    pub(super) fn is_loading(&self, id: &E::Id, kind: Kind) -> bool {
        self.lock(id).end(id, |at| at.is_loading(kind)).unwrap_or(false)
    }

    /// Drives the fill of the store that is under way at this id to its end.
    pub(super) async fn after_fill(&self, id: &E::Id) {
        let filling = self.in_flight.lock(id).end(id, |at| at.filling()).flatten();
        if let Some(filling) = filling {
            self.end_of(filling).await;
        }
    }

    /// Drives a fill to its end, and returns whether it has ended within [`FILL_LIMIT`].
    pub(super) async fn end_of(&self, filling: Filling) -> bool {
        if !self.settings.callers_wait() {
            return false;
        }
        // No fill waits for a load or a write, so there is no cycle to break.
        let ending = async {
            let end = pin!(filling.end());
            match self.clock.timer().sleep(FILL_LIMIT) {
                Ok(sleep) => matches!(select(end, sleep).await, Either::Left(_)),
                Err(_) => end.await.is_ok(),
            }
        };
        apart(ending).await
    }

    /// Forgets an id, and detaches its loads.
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

    /// Returns what must be dropped after the lock is released.
    pub(super) fn hold(&self, id: &E::Id, fill: Fill<E>, kind: Kind) -> Option<Left<E>> {
        let settings = &self.settings;
        match fill {
            Fill::Present(entry) => Some(self.memory.insert(id, entry)),
            Fill::Absent { since, for_origin } => {
                // The store has none, but the origin may: what there was may still be served if
                // the origin fails. A delete has taken it out before.
                let kept = self.memory.peek(id).filter(|_| !for_origin);
                let kept = kept.map(|entry| entry.for_loads(self.now(), self.spans));
                let left = match kept.filter(|entry| self.may_serve_stale(entry)) {
                    Some(entry) => self.memory.insert(id, entry),
                    None => self.memory.remove(id),
                };
                if !settings.negative_ttl.is_zero() {
                    let until = since.saturating_add(settings.jittered(settings.negative_ttl));
                    self.memory.insert_negative(id, Negative::Absent { until, for_origin });
                }
                Some(left)
            }
            Fill::Failed(error) => {
                if !settings.pause.is_zero() {
                    let until = self.now().saturating_add(settings.pause);
                    self.memory.insert_negative(id, Negative::Failed { until, kind, error });
                }
                None
            }
        }
    }
}
