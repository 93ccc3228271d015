//! What happens when memory alone has no answer: a load, or something stale in its place.

use std::pin::pin;
use std::sync::Arc;

use kv_store::__private::causes;
use kv_store::key::Key;
use kv_store::store::Store;
use kv_store::{BoxFuture, Error, Result, SharedError};
use tracing::{Instrument, Span};

use super::Cached;
use super::config::Settings;
use super::drive::{Cycle, Drive, Poller};
use super::entry::Entry;
use super::fill_store::Report;
use super::flight::Landed;
use super::in_flight::Kind;
use super::lead::{Lead, Seat, Waiter};
use super::origin::Origin;
use super::stats::Count;
use super::tier::{Look, Outcome, Tier};
use crate::entity::KvEntity;
use crate::sourced::{Source, Sourced};

/// How many loads a call begins at most, if each one is dropped before it ends.
pub(super) const ATTEMPTS: usize = 3;

/// An answer before it is converted to the caller's form.
pub(super) type Answer<E> = Result<Sourced<Option<Arc<E>>>>;

/// The result of the first step of a call.
pub(super) enum Begun<E> {
    Done(Answer<E>),
    Waits(BoxFuture<'static, Answer<E>>),
}

impl<E> Begun<E> {
    pub(super) async fn end(self) -> Answer<E> {
        match self {
            Self::Done(answer) => answer,
            Self::Waits(waits) => waits.await,
        }
    }
}

/// A caller's role in a load.
struct Taken<E: KvEntity> {
    waiter: Waiter<E>,
    /// Whether this caller began the load.
    leads: bool,
}

/// What a call asks, and when.
pub(super) struct Ask<E: KvEntity, S> {
    /// The origin, or `None` for a read.
    pub(super) origin: Option<Beyond<E, S>>,
    pub(super) when: When,
    /// Receives the reason if the store is not filled.
    pub(super) report: Option<Report>,
}

/// An origin, and what makes the load that asks it. Only calls that have an origin name that
/// function, so a program without one is without the function, too.
pub(super) struct Beyond<E: KvEntity, S> {
    pub(super) origin: Origin<E>,
    pub(super) load: MakeLoad<E, S>,
}

type MakeLoad<E, S> =
    fn(Cached<E, S>, Lead<E>, Origin<E>, When, Option<Report>, Span) -> BoxFuture<'static, ()>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// If memory, and for an origin the store, has no answer.
    Missed,
    /// Also if the answer from memory is due for a refresh.
    Ahead,
    /// In any case.
    Always,
}

impl<E: KvEntity, S: Store> Ask<E, S> {
    /// The store.
    pub(super) const STORE: Self = Self { origin: None, when: When::Missed, report: None };

    pub(super) fn of(origin: Origin<E>, when: When) -> Self {
        let load: MakeLoad<E, S> = |cache, lead, origin, when, report, span| {
            Box::pin(cache.load(vec![lead], origin, when, report).instrument(span))
        };
        Self { origin: Some(Beyond { origin, load }), when, report: None }
    }

    /// Moves the loader into the load that calls it.
    fn take(&mut self) -> Self {
        Self { origin: self.origin.take(), when: self.when, report: self.report.take() }
    }

    fn kind(&self) -> Kind {
        if self.origin.is_some() { Kind::Load } else { Kind::Read }
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Begins to answer a call that memory could not answer. Only futures that have to wait are
    /// boxed.
    pub(super) fn answer(&self, id: E::Id, look: Look<E>, mut ask: Ask<E, S>) -> Begun<E> {
        let kind = ask.kind();
        let stale = match look {
            Look::Fresh(value) => return Begun::Done(Ok(Sourced::new(Some(value), Source::Memory))),
            Look::Due(value) => {
                self.refresh_behind(&id, ask);
                return Begun::Done(Ok(Sourced::new(Some(value), Source::Memory)));
            }
            Look::Stale(entry) => Tier::stand_in(entry, kind),
            Look::Nothing => None,
        };
        if !matches!(ask.when, When::Always) {
            match self.tier.known(&id, kind) {
                Some(Ok(())) => {
                    self.tier.counters.count(Count::NegativeHit);
                    return Begun::Done(Ok(Sourced::new(None, Source::Memory)));
                }
                // Without a stale entity to serve instead, the store is asked again all the same.
                Some(Err(error)) if kind == Kind::Load || stale.is_some() => {
                    self.tier.counters.count(Count::Paused);
                    return Begun::Done(self.stale_or(stale, error));
                }
                _ => {}
            }
        }
        let seat = match self.sit_down(&id, kind, &mut ask) {
            Ok(seat) => seat,
            Err(error) => return Begun::Done(self.stale_or(stale, error)),
        };
        // Where the store answers at once, the load is over.
        if seat.waiter.drive.is_over()
            && let Some(Landed::Done(outcome)) = seat.waiter.flight.landed()
        {
            return Begun::Done(self.answer_of(outcome, stale));
        }
        let cache = self.clone();
        Begun::Waits(Box::pin(async move {
            let outcome = cache.outcome(&id, kind, ask, stale.is_some(), seat).await;
            cache.answer_of(outcome, stale)
        }))
    }

    fn answer_of(&self, outcome: Outcome<E>, stale: Option<Entry<E>>) -> Answer<E> {
        match outcome {
            Ok(got) => Ok(Sourced::new(got.value, got.source)),
            Err(error) => self.stale_or(stale, error),
        }
    }

    /// Joins the load of this id. If the load begins here, the caller takes its first step.
    fn sit_down(&self, id: &E::Id, kind: Kind, ask: &mut Ask<E, S>) -> Result<Taken<E>> {
        let mut drive = None;
        match self.tier.join(id, kind, ask.when == When::Always, &mut drive) {
            Seat::Lead(lead) => {
                let waiter = lead.waiter(drive.unwrap_or_else(Drive::new));
                // Its events belong to the span of this call.
                waiter.drive.start(self.flight(lead, ask.take(), Span::current()));
                self.set_going(&waiter.drive);
                Ok(Taken { waiter, leads: true })
            }
            Seat::Wait(waiter) => Ok(Taken { waiter, leads: false }),
            Seat::Within => Err(self.waits_for_itself(&self.own().key_of_id(id))),
        }
    }

    /// Waits for the outcome of the load, or for the limit.
    async fn outcome(
        &self,
        id: &E::Id,
        kind: Kind,
        mut ask: Ask<E, S>,
        may_be_stale: bool,
        mut seat: Taken<E>,
    ) -> Outcome<E> {
        let key = self.own().key_of_id(id);
        let Settings { soft_timeout, hard_timeout, .. } = self.tier.settings;
        let soft = soft_timeout.filter(|_| may_be_stale && self.behind.spawner.executor().is_some());
        for attempt in 1..=ATTEMPTS {
            let Taken { waiter, leads } = &seat;
            // The load enforces the hard limit itself, so that all callers get that outcome.
            let limit = soft.or(hard_timeout.filter(|_| !leads));
            let ended = self.within(limit, &key, pin!(self.ended(waiter, *leads, &key))).await;
            match waiter.flight.landed() {
                Some(Landed::Done(outcome)) => return outcome,
                // The loader was dropped with it.
                Some(Landed::Abandoned) if kind == Kind::Load && ask.origin.is_none() => break,
                // Its outcome is unknown, so the next round begins another load.
                Some(Landed::Abandoned) => {}
                None => ended?,
            }
            if attempt < ATTEMPTS {
                seat = self.sit_down(id, kind, &mut ask)?;
            }
        }
        Err(self.abandoned(&key))
    }

    /// Takes the first step of a load in the caller, and leaves the rest to a task if there is an
    /// executor.
    pub(super) fn set_going(&self, drive: &Arc<Drive>) {
        drive.poll(Poller::Beginner);
        // In a Worker a load stays in its request, unless a soft timeout may leave it behind.
        let settings = &self.tier.settings;
        if (settings.callers_wait() || settings.soft_timeout.is_some())
            && !drive.is_over()
            && let Some(executor) = self.behind.spawner.executor()
        {
            executor.run(drive);
        }
    }

    /// Drives a load until its outcome is known; the caller's own load until the store is filled,
    /// too.
    pub(super) async fn ended(&self, waiter: &Waiter<E>, leads: bool, key: &Key) -> Result<()> {
        let ended = if leads { waiter.over().await } else { waiter.landed().await };
        ended.map(drop).map_err(|Cycle| self.waits_for_itself(key))
    }

    /// The error of a loader that asks for the id that it is loading.
    pub(super) fn waits_for_itself(&self, key: &Key) -> Error {
        let source = SharedError::new(WaitsForItself);
        Error::Load { at: self.own().at(key), retryable: false, source }
    }

    pub(super) fn abandoned(&self, key: &Key) -> Error {
        let source = SharedError::new(Abandoned);
        Error::Load { at: self.own().at(key), retryable: true, source }
    }

    /// Returns the stale entity, if it may still be served. Otherwise returns the error.
    pub(super) fn stale_or(&self, stale: Option<Entry<E>>, error: Error) -> Answer<E> {
        let Some(entry) = stale.filter(|entry| self.tier.may_serve_stale(entry)) else { return Err(error) };
        self.tier.counters.count(Count::Stale);
        tracing::debug!(entity = E::SCHEMA.name, %error, cause = causes(&error), "served a stale entity");
        Ok(Sourced::instead(Some(entry.value), Source::Stale, Some(error)))
    }

    /// Refreshes a fresh entity in a task, if there is an executor and no load is under way.
    fn refresh_behind(&self, id: &E::Id, ask: Ask<E, S>) {
        let Some(executor) = self.behind.spawner.executor() else { return };
        let (kind, mut drive) = (ask.kind(), None);
        if matches!(self.tier.known(id, kind), Some(Err(_))) || self.tier.is_loading(id, kind) {
            return;
        }
        let Seat::Lead(lead) = self.tier.join(id, kind, false, &mut drive) else { return };
        self.tier.counters.count(Count::Refresh);
        let drive = drive.unwrap_or_else(Drive::new);
        drive.start(self.flight(lead, Ask { when: When::Ahead, ..ask }, Span::none()));
        executor.run(&drive);
    }

    /// Counts and logs a failed call of the origin, or a failed load: once, however many callers
    /// wait, and whether or not a stale entity is served.
    pub(super) fn origin_failed(&self, error: &Error) {
        self.tier.counters.count(Count::OriginError);
        tracing::warn!(%error, cause = causes(error), "the origin failed");
    }

    /// Counts and logs a failed call of the store without an origin, as
    /// [`origin_failed`](Self::origin_failed) does.
    pub(super) fn store_failed(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store failed");
    }

    pub(super) fn passed_over(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store failed; the origin is asked instead");
    }
}

/// The error of a load that would wait for itself.
#[derive(Debug, thiserror::Error)]
#[error("the loader asked the cache for its own entity, or for one whose load waits for this load")]
struct WaitsForItself;

/// The error of a load that was dropped with its loader.
#[derive(Debug, thiserror::Error)]
#[error("the load was dropped: it panicked, or its runtime was shut down")]
struct Abandoned;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::{Kv, KvEntity};
    use kv_store::store::MemoryStore;

    #[derive(KvEntity)]
    #[kv(prefix = "item")]
    struct Item {
        #[kv(id)]
        id: u32,
    }

    /// A box of more than a kilobyte takes an allocator several times as long.
    #[test]
    fn what_reads_for_a_miss_is_small() {
        let items = Kv::new(MemoryStore::new()).collection::<Item>().cached(Cache::new());
        let Seat::Lead(lead) = items.tier.join(&1, Kind::Read, false, &mut None) else {
            panic!("nobody else loads");
        };
        let read = items.clone().read_one(lead);
        assert!(size_of_val(&read) < 1 << 10, "{}", size_of_val(&read));
    }

    /// Futures within futures, each with room for what it was given, had come to 28 KiB.
    #[test]
    fn what_waits_for_a_load_is_small() {
        let items = Kv::new(MemoryStore::new()).collection::<Item>().cached(Cache::new());
        let mut ask = Ask::STORE;
        let Ok(seat) = items.sit_down(&1, Kind::Read, &mut ask) else { panic!("nobody else loads") };
        let outcome = items.outcome(&1, Kind::Read, ask, false, seat);
        assert!(size_of_val(&outcome) < 3 << 10, "{}", size_of_val(&outcome));
    }
}
