//! The parts that callers have in a load: the one that makes it, and those who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::drive::{Cycle, Drive, Signal};
use super::flight::{Flight, Landed};
use super::in_flight::Kind;
use super::stats::Count;
use super::tier::{Fill, Outcome, Tier};
use super::writing::may_take_place;
use crate::entity::KvEntity;
use crate::error::Result;

/// A caller's part in a load.
pub(super) enum Seat<E: KvEntity> {
    Lead(Lead<E>),
    Wait(Waiter<E>),
    /// The caller is the loader of that id itself.
    Within,
}

/// Makes a load. It belongs to the work that is driven, and not to a caller. Who drops it unfinished abandons the load.
pub(super) struct Lead<E: KvEntity> {
    tier: Arc<Tier<E>>,
    pub(super) id: E::Id,
    pub(super) kind: Kind,
    flight: Arc<Flight<Outcome<E>>>,
    /// Whether the store had settled when the load began: otherwise it may bring what a write changes whose outcome nobody knows.
    is_settled: bool,
    is_complete: bool,
}

/// Waits for a load that another caller has begun, or for one's own.
pub(super) struct Waiter<E: KvEntity> {
    pub(super) flight: Arc<Flight<Outcome<E>>>,
    pub(super) drive: Arc<Drive>,
}

impl<E: KvEntity> Lead<E> {
    pub(super) fn new(
        tier: &Arc<Tier<E>>,
        id: &E::Id,
        kind: Kind,
        flight: Arc<Flight<Outcome<E>>>,
        is_settled: bool,
    ) -> Self {
        Self { tier: Arc::clone(tier), id: id.clone(), kind, flight, is_settled, is_complete: false }
    }

    /// The part of the caller who has begun the load. `join` has made the drive for it.
    pub(super) fn waiter(&self, drive: &mut Option<Arc<Drive>>) -> Waiter<E> {
        let drive = Arc::clone(drive.get_or_insert_with(Drive::new));
        Waiter { flight: Arc::clone(&self.flight), drive }
    }

    /// Keeps what the load brought, unless a write has met it, or one may still take place.
    pub(super) fn settle(&self, fill: Fill<E>) {
        let mut in_flight = self.tier.in_flight.lock(&self.id);
        // A load ends what is being read: a read that began before may have seen less.
        let supersedes = self.kind == Kind::Load && !matches!(fill, Fill::Failed(_));
        let may_fill = in_flight.end(&self.id, |at| at.settle(self.kind, &self.flight, supersedes));
        if may_fill != Some(true) || !(self.is_settled || matches!(fill, Fill::Failed(_))) {
            self.tier.counters.count(Count::Detached);
            return;
        }
        let left = self.tier.hold(&self.id, fill, self.kind);
        drop(in_flight);
        drop(left);
    }

    /// The turn to fill the store, if no write has met the load. `first`: a write that begins now has to see to its end first.
    pub(super) fn begin_fill(&self, first: bool) -> Option<FillTurn<E>> {
        let mut in_flight = self.tier.in_flight.lock(&self.id);
        let is_over =
            in_flight.end(&self.id, |at| at.begin_fill(self.kind, &self.flight, first)).flatten()?;
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

    /// Tells all who wait how the load ended.
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

    /// Drives the load, and what comes after it, to the end.
    pub(super) async fn over(&self) -> Result<Landed<Outcome<E>>, Cycle> {
        let abandoned = || self.flight.landed().filter(|landed| matches!(landed, Landed::Abandoned));
        self.drive.until(|| if self.drive.is_over() { self.flight.landed() } else { abandoned() }).await
    }
}

/// While it is there, a write of the id first drives the fill to its end.
pub(super) struct FillTurn<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    is_over: Arc<AtomicBool>,
    signal: Arc<Signal>,
    /// Whether the fill may take place later.
    is_unknown: bool,
}

impl<E: KvEntity> FillTurn<E> {
    pub(super) fn end<T>(mut self, filled: &Result<T>) {
        self.is_unknown = filled.as_ref().is_err_and(may_take_place);
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
