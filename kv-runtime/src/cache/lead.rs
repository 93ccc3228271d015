//! The two sides of a load: the code that runs it, and the callers that wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kv_store::Result;
use kv_store::store::{Commit, SETTLES_AFTER};

use super::drive::{Cycle, Drive, Signal};
use super::flight::{Flight, Landed};
use super::in_flight::{AtId, Kind, Part, alone_until};
use super::stats::Count;
use super::tier::{Fill, Outcome, Tier};
use super::writing::may_take_place;
use crate::entity::KvEntity;

/// A caller's role in a load.
pub(super) enum Seat<E: KvEntity> {
    Lead(Lead<E>),
    Wait(Waiter<E>),
    /// The caller is part of that load, so it must not wait for it.
    Within,
}

/// The side that runs a load. It is part of the load's future. If it is dropped before it is
/// complete, the load is abandoned.
pub(super) struct Lead<E: KvEntity> {
    tier: Arc<Tier<E>>,
    pub(super) id: E::Id,
    pub(super) kind: Kind,
    flight: Arc<Flight<Outcome<E>>>,
    /// Whether the store had settled when the load began. If not, an earlier write may still change
    /// the record that it reads.
    is_settled: bool,
    /// Whether it is a refresh, so that its callers get something newer than what the memory held
    /// when it began.
    is_refresh: bool,
    is_complete: bool,
}

/// The side of a caller that waits for a load.
pub(super) struct Waiter<E: KvEntity> {
    pub(super) flight: Arc<Flight<Outcome<E>>>,
    pub(super) drive: Arc<Drive>,
}

impl<E: KvEntity> Tier<E> {
    /// Joins the load of this id. `anew`: never joins a load that has begun already. `drive` runs
    /// the loads of this call, once there is one.
    pub(super) fn join(
        self: &Arc<Self>,
        id: &E::Id,
        kind: Kind,
        anew: bool,
        drive: &mut Option<Arc<Drive>>,
    ) -> Seat<E> {
        let own = drive.clone();
        let drive = || Arc::clone(drive.get_or_insert_with(Drive::new));
        let alone = (!self.settings.callers_wait()).then(|| alone_until(self.now()));
        let join = |at: &mut AtId<_>| at.join(kind, anew, alone, own.as_ref(), drive);
        let mut in_flight = self.lock(id);
        let is_settled = in_flight.is_settled(id, |mark| self.store.has_settled(mark));
        let part = in_flight.begin(id, join);
        drop(in_flight);
        match part {
            Part::Lead(flight, _outdated) => Seat::Lead(Lead::new(self, id, kind, flight, is_settled, anew)),
            Part::Wait(flight, drive) => {
                self.counters.count(Count::SharedWait);
                Seat::Wait(Waiter { flight, drive })
            }
            Part::Within(drive) => {
                drop(drive);
                Seat::Within
            }
        }
    }
}

impl<E: KvEntity> Lead<E> {
    fn new(
        tier: &Arc<Tier<E>>,
        id: &E::Id,
        kind: Kind,
        flight: Arc<Flight<Outcome<E>>>,
        is_settled: bool,
        is_refresh: bool,
    ) -> Self {
        let (tier, id) = (Arc::clone(tier), id.clone());
        Self { tier, id, kind, flight, is_settled, is_refresh, is_complete: false }
    }

    /// The side of the caller that begins the load. `drive` is the one that `join` made.
    pub(super) fn waiter(&self, drive: &mut Option<Arc<Drive>>) -> Waiter<E> {
        let drive = Arc::clone(drive.get_or_insert_with(Drive::new));
        Waiter { flight: Arc::clone(&self.flight), drive }
    }

    /// Holds the result of the load, unless a write met it or an unsettled write may still take
    /// place.
    pub(super) fn settle(&self, fill: Fill<E>) {
        self.settle_and(fill, |_| {});
    }

    /// Holds the result of the load, as [`settle`](Self::settle) does, and wakes all callers with
    /// the outcome.
    pub(super) fn land(mut self, fill: Fill<E>, outcome: Outcome<E>) {
        self.is_complete = true;
        self.settle_and(fill, |at| at.end(self.kind, &self.flight));
        self.flight.complete(outcome);
    }

    fn settle_and(&self, fill: Fill<E>, then: impl FnOnce(&mut AtId<Outcome<E>>)) {
        let now = self.tier.now();
        let mut in_flight = self.tier.lock(&self.id);
        // A load ends what is being read: a read that began before may have seen less.
        let has_failed = matches!(fill, Fill::Failed(_));
        let supersedes = self.kind == Kind::Load && !has_failed;
        let may_fill = in_flight.end(&self.id, |at| {
            let may_fill = at.settle(self.kind, &self.flight, supersedes, now);
            then(at);
            may_fill
        });
        let left = if may_fill == Some(true) && (self.is_settled || has_failed) {
            self.tier.hold(&self.id, fill, self.kind)
        } else {
            self.tier.counters.count(Count::Detached);
            // What the memory holds is older than what the load brought. Without a refresh it holds
            // nothing fresh, or what met the load.
            let is_older = may_fill == Some(true) || self.is_refresh;
            (is_older && !has_failed).then(|| self.tier.memory.remove(&self.id))
        };
        drop(in_flight);
        drop(left);
    }

    /// Begins to fill the store, if no write met the load. `first`: a write that begins now drives
    /// the fill to its end first.
    pub(super) fn begin_fill(&self, first: bool) -> Option<FillTurn<E>> {
        let until = self.tier.now().saturating_add(SETTLES_AFTER);
        let mut in_flight = self.tier.lock(&self.id);
        let begin = |at: &mut AtId<_>| at.begin_fill(self.kind, &self.flight, first, until);
        let is_over = in_flight.end(&self.id, begin).flatten()?;
        drop(in_flight);
        let signal = Arc::clone(self.flight.signal());
        Some(FillTurn {
            tier: Arc::clone(&self.tier),
            id: self.id.clone(),
            is_over,
            signal,
            is_unknown: true,
        })
    }

    /// Wakes all callers with the outcome of the load.
    pub(super) fn complete(mut self, outcome: Outcome<E>) {
        self.is_complete = true;
        self.leave();
        self.flight.complete(outcome);
    }

    fn leave(&self) {
        self.tier.in_flight.lock(&self.id).end(&self.id, |at| at.end(self.kind, &self.flight));
    }
}

impl<E: KvEntity> Drop for Lead<E> {
    fn drop(&mut self) {
        if !self.is_complete {
            self.leave();
            self.flight.abandon();
        }
    }
}

impl<E: KvEntity> Waiter<E> {
    /// Drives the load until it has ended.
    pub(super) async fn landed(&self) -> Result<Landed<Outcome<E>>, Cycle> {
        self.drive.until(|| self.flight.landed()).await
    }

    /// Drives the load and its fill to their end.
    pub(super) async fn over(&self) -> Result<Landed<Outcome<E>>, Cycle> {
        let abandoned = || self.flight.landed().filter(|landed| matches!(landed, Landed::Abandoned));
        self.drive.until(|| if self.drive.is_over() { self.flight.landed() } else { abandoned() }).await
    }
}

/// The right to fill the store with one id.
pub(super) struct FillTurn<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    is_over: Arc<AtomicBool>,
    signal: Arc<Signal>,
    /// Whether the fill may still take place after this.
    is_unknown: bool,
}

impl<E: KvEntity> FillTurn<E> {
    pub(super) fn end(mut self, filled: &Result<Commit>) {
        self.is_unknown = filled.as_ref().is_err_and(may_take_place);
        if matches!(filled, Ok(Commit::Conflict(_))) {
            // Another writer came meanwhile, and what the load brought may be older.
            self.tier.forget(&self.id);
        }
    }
}

impl<E: KvEntity> Drop for FillTurn<E> {
    fn drop(&mut self) {
        let mut in_flight = self.tier.in_flight.lock(&self.id);
        in_flight.end(&self.id, |at| at.end_fill(&self.is_over));
        if self.is_unknown {
            in_flight.unsettle(&self.id, self.tier.store.mark());
        }
        drop(in_flight);
        self.is_over.store(true, Ordering::SeqCst);
        self.signal.call_all();
    }
}
