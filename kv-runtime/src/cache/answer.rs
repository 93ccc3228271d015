//! What happens when memory alone has no answer: a load, or something stale in its place.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::Cached;
use super::config::Settings;
use super::drive::{Cycle, Drive};
use super::entry::Entry;
use super::fill_store::{Report, StoreFill};
use super::flight::Landed;
use super::in_flight::Kind;
use super::lead::{Lead, Seat, Waiter};
use super::origin::{Origin, OtherId};
use super::stats::Count;
use super::tier::{CALLERS_WAIT, Fill, Got, Look, Outcome, RecordExpiry, Tier};
use super::wait::Deadline;
use crate::clock::Timestamp;
use crate::collection::Standing;
use crate::entity::KvEntity;
use crate::error::{Error, Result, SharedError, causes};
use crate::key::Key;
use crate::maybe_send::BoxFuture;
use crate::served::{Served, Whence};
use crate::store::Store;

/// How many loads a call begins at most if each one is dropped before it ends.
pub(super) const ATTEMPTS: usize = 3;

/// What an answer is, before the caller's form of it.
pub(super) type Answer<E> = Result<Served<Option<Arc<E>>>>;

/// Who is asked.
pub(super) struct Ask<E> {
    /// Beyond the store; nobody for a read.
    pub(super) origin: Option<Origin<E>>,
    pub(super) when: When,
    /// Receives the reason if the store is not filled.
    pub(super) report: Option<Report>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// If what is before it has no answer.
    Missed,
    /// As well if what is before it has an answer that is to end soon.
    Ahead,
    /// Whatever is before it.
    Always,
}

impl<E> Ask<E> {
    /// The store.
    pub(super) const STORE: Self = Self { origin: None, when: When::Missed, report: None };

    pub(super) const fn of(origin: Origin<E>, when: When) -> Self {
        Self { origin: Some(origin), when, report: None }
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
    /// The answer to a call that the memory could not give. Boxed, so that the future of a hit is
    /// small.
    pub(super) fn answer(&self, id: E::Id, look: Look<E>, ask: Ask<E>) -> BoxFuture<'static, Answer<E>> {
        Box::pin(self.clone().answered(id, look, ask))
    }

    async fn answered(self, id: E::Id, look: Look<E>, ask: Ask<E>) -> Answer<E> {
        let kind = ask.kind();
        let stale = match look {
            Look::Fresh(value) => return Ok(Served::new(Some(value), Whence::Memory)),
            Look::Due(value) => {
                self.refresh_behind(&id, ask);
                return Ok(Served::new(Some(value), Whence::Memory));
            }
            Look::Stale(entry) => Tier::stand_in(entry, kind),
            Look::Nothing => None,
        };
        if ask.when != When::Always {
            match self.tier.known(&id, kind) {
                Some(Ok(())) => {
                    self.tier.counters.count(Count::NegativeHit);
                    return Ok(Served::new(None, Whence::Memory));
                }
                // The store is asked again all the same if nothing stale could stand in for it.
                Some(Err(error)) if kind == Kind::Load || stale.is_some() => {
                    self.tier.counters.count(Count::Paused);
                    return self.stale_or(stale, error);
                }
                _ => {}
            }
        }
        match self.outcome(&id, ask, stale.is_some()).await {
            Ok(got) => Ok(Served::new(got.value, got.whence)),
            Err(error) => self.stale_or(stale, error),
        }
    }

    /// How the load ends, or that it takes too long.
    async fn outcome(&self, id: &E::Id, mut ask: Ask<E>, may_be_stale: bool) -> Outcome<E> {
        let (kind, key) = (ask.kind(), self.collection().key_of_id(id));
        let Settings { soft_timeout, hard_timeout, .. } = self.tier.settings;
        let soft = soft_timeout.filter(|_| may_be_stale && self.behind.spawner.executor().is_some());
        for _ in 0..ATTEMPTS {
            let mut drive = None;
            // The load enforces the hard limit itself, so that all callers get that outcome.
            let (waiter, leads) = match self.tier.join(id, kind, ask.when == When::Always, &mut drive) {
                Seat::Lead(lead) => {
                    let waiter = lead.waiter(&mut drive);
                    // Its events belong to the span of this call.
                    let load = self.clone().fly(lead, ask.take()).in_current_span();
                    waiter.drive.start(Box::pin(load));
                    self.set_going(&waiter.drive);
                    (waiter, true)
                }
                Seat::Wait(waiter) => (waiter, false),
                Seat::Within => return Err(self.waits_for_itself(&key)),
            };
            let limit = soft.or(hard_timeout.filter(|_| !leads));
            let ended = self.within(limit, &key, pin!(self.ended(&waiter, leads, &key))).await;
            match waiter.flight.landed() {
                Some(Landed::Done(outcome)) => return outcome,
                // The loader was dropped with it.
                Some(Landed::Abandoned) if kind == Kind::Load && ask.origin.is_none() => break,
                // Its outcome is unknown, so the next round begins another load.
                Some(Landed::Abandoned) => {}
                None => ended?,
            }
        }
        Err(self.abandoned(&key))
    }

    /// Takes the first step of a load in the caller, and leaves the rest to a task if there is an
    /// executor.
    pub(super) fn set_going(&self, drive: &Arc<Drive>) {
        drive.poll();
        // In a Worker a load stays in its request, unless a soft timeout may leave it behind.
        if (CALLERS_WAIT || self.tier.settings.soft_timeout.is_some())
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
        Error::Load { at: self.collection().at(key), retryable: false, source }
    }

    pub(super) fn abandoned(&self, key: &Key) -> Error {
        let source = SharedError::new(Abandoned);
        Error::Load { at: self.collection().at(key), retryable: true, source }
    }

    /// What is stale, if it still may be served; otherwise the error.
    pub(super) fn stale_or(&self, stale: Option<Entry<E>>, error: Error) -> Answer<E> {
        let Some(entry) = stale.filter(|entry| self.tier.may_serve_stale(entry)) else { return Err(error) };
        self.tier.counters.count(Count::Stale);
        tracing::debug!(entity = E::SCHEMA.name(), %error, cause = causes(&error), "what is stale is served");
        Ok(Served::instead(Some(entry.value), Whence::Stale, Some(error)))
    }

    /// Refreshes a fresh entity in a task, if there is an executor and no load is under way.
    fn refresh_behind(&self, id: &E::Id, ask: Ask<E>) {
        let Some(executor) = self.behind.spawner.executor() else { return };
        let (kind, mut drive) = (ask.kind(), None);
        if matches!(self.tier.known(id, kind), Some(Err(_))) || self.tier.is_loading(id, kind) {
            return;
        }
        let Seat::Lead(lead) = self.tier.join(id, kind, false, &mut drive) else { return };
        self.tier.counters.count(Count::Refresh);
        let drive = drive.unwrap_or_else(Drive::new);
        drive.start(Box::pin(self.clone().fly(lead, Ask { when: When::Ahead, ..ask })));
        executor.run(&drive);
    }

    /// Makes a load, and tells all who wait.
    async fn fly(self, lead: Lead<E>, ask: Ask<E>) {
        match ask.origin {
            None => {
                let outcome = self.read_store(&lead).await;
                lead.complete(outcome);
            }
            Some(origin) => self.load(lead, origin, ask.when, ask.report).await,
        }
    }

    async fn read_store(&self, lead: &Lead<E>) -> Outcome<E> {
        let (tier, collection) = (&self.tier, self.collection());
        let (key, since, limit) = (collection.key_of_id(&lead.id), tier.now(), tier.settings.hard_timeout);
        let found = self.within(limit, &key, pin!(collection.find(lead.id.clone(), &key))).await;
        match found {
            Ok(Some(found)) => {
                tier.counters.count(Count::StoreHit);
                let expiry = RecordExpiry::of(&found);
                let value = Arc::new(found.entity);
                lead.settle(Fill::Present(tier.entry(&value, since, None, expiry)));
                Ok(Got { value: Some(value), whence: Whence::Store })
            }
            Ok(None) => {
                tier.counters.count(Count::StoreMiss);
                lead.settle(Fill::Absent { for_origin: false });
                Ok(Got { value: None, whence: Whence::Store })
            }
            Err(error) => {
                self.store_failed(&error);
                lead.settle(Fill::Failed(error.clone()));
                Err(error)
            }
        }
    }

    /// The store, then the origin; both tiers are filled on the way back. All who wait get the
    /// value before the store is filled.
    async fn load(&self, lead: Lead<E>, origin: Origin<E>, when: When, report: Option<Report>) {
        let key = self.collection().key_of_id(&lead.id);
        let mut deadline = Deadline::of(&self.tier.settings);
        let loading = self.store_then_origin(&lead, &key, origin, when);
        let loaded = self.before(&mut deadline, &key, pin!(loading)).await;
        match loaded {
            Ok(LoadedEntity { got, fill }) => {
                let (turn, value) = (self.turn_to_fill(&lead, fill), got.value.clone());
                lead.complete(Ok(got));
                let filled = self.fill_store(&key, turn, value, &mut deadline).await;
                if let (Some(report), Err(error)) = (report, filled) {
                    report.tell(error);
                }
            }
            Err(error) => {
                self.origin_failed(&error);
                lead.settle(Fill::Failed(error.clone()));
                lead.complete(Err(error));
            }
        }
    }

    async fn store_then_origin(
        &self,
        lead: &Lead<E>,
        key: &Key,
        origin: Origin<E>,
        when: When,
    ) -> Result<LoadedEntity<E>> {
        let (tier, collection) = (&self.tier, self.collection());
        if when == When::Always {
            tier.after_fill(&lead.id).await;
        }
        let since = tier.now();
        let standing = match collection.standing(lead.id.clone(), key).await {
            Ok(standing) => Ok(standing),
            // A store that fails is a miss. Whatever stands there is left alone.
            Err(error) => {
                self.passed_over(&error);
                Err(error)
            }
        };
        let (found, unchanged) = match standing {
            Ok(Standing { found, unchanged }) => (found, Ok(unchanged)),
            Err(error) => (None, Err(error)),
        };
        let stood = found.is_some();
        if let Some(found) = found.filter(|found| !self.asks_on(when, found.expires_at)) {
            tier.counters.count(Count::StoreHit);
            let expiry = RecordExpiry::of(&found);
            let value = Arc::new(found.entity);
            lead.settle(Fill::Present(tier.entry(&value, since, None, expiry)));
            return Ok(LoadedEntity {
                got: Got { value: Some(value), whence: Whence::Store },
                fill: StoreFill::Needless,
            });
        }
        if unchanged.is_ok() && !stood {
            tier.counters.count(Count::StoreMiss);
        }
        let unchanged = self.with_leases(unchanged).await;
        tier.counters.count(Count::OriginLoad);
        let (value, [memory_ttl, store_ttl]) = match origin.load().await {
            Ok(given) => given.into_parts(),
            Err(source) => return Err(Error::Load { at: collection.at(key), retryable: true, source }),
        };
        if value.as_ref().is_some_and(|value| value.id() != lead.id) {
            let source = SharedError::new(OtherId);
            return Err(Error::Load { at: collection.at(key), retryable: false, source });
        }
        lead.settle(self.given(value.as_ref(), memory_ttl));
        let fill = StoreFill::of(unchanged, value.is_some() || stood, store_ttl);
        Ok(LoadedEntity { got: Got { value, whence: Whence::Origin }, fill })
    }

    /// Whether the origin is asked although the store holds a record that expires then.
    pub(super) fn asks_on(&self, when: When, expires_at: Option<Timestamp>) -> bool {
        let settings = &self.tier.settings;
        match (when, expires_at, settings.refresh_at, settings.store_ttl) {
            (When::Always, ..) => true,
            (When::Ahead, Some(at), Some(share), Some(ttl)) => {
                at.saturating_since(self.collection().store().clock().now()) < ttl.mul_f64(1.0 - share)
            }
            _ => false,
        }
    }

    /// What the memory is to hold of what an origin gave just now.
    pub(super) fn given(&self, value: Option<&Arc<E>>, ttl: Option<Duration>) -> Fill<E> {
        match value {
            Some(value) => {
                let now = self.collection().store().clock().now();
                let expiry = RecordExpiry::own(self.collection().expires_at(value, now));
                Fill::Present(self.tier.entry(value, self.tier.now(), ttl, expiry))
            }
            None => Fill::Absent { for_origin: true },
        }
    }

    /// A call of the origin, or the whole of a load, has failed. It is counted and traced once,
    /// however many wait, and whether or not something stale is served.
    pub(super) fn origin_failed(&self, error: &Error) {
        self.tier.counters.count(Count::OriginError);
        tracing::warn!(%error, cause = causes(error), "the origin failed");
    }

    /// A call of the store has failed, and no origin is behind it. It is counted and traced as
    /// [`origin_failed`](Self::origin_failed) does.
    pub(super) fn store_failed(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store failed");
    }

    pub(super) fn passed_over(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store is passed over, and the origin asked");
    }
}

/// What a load brought, and how the store is to be filled with it.
pub(super) struct LoadedEntity<E> {
    pub(super) got: Got<E>,
    pub(super) fill: StoreFill,
}

/// A load that would wait for itself.
#[derive(Debug, thiserror::Error)]
#[error("the loader asked the cache for an entity whose load waits for this one, or for its own")]
struct WaitsForItself;

/// The load was dropped, with its loader.
#[derive(Debug, thiserror::Error)]
#[error("the load was dropped: it panicked, or its runtime was shut down")]
struct Abandoned;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::store::MemoryStore;
    use crate::{Kv, KvEntity};

    #[derive(KvEntity)]
    #[kv(prefix = "item")]
    struct Item {
        #[kv(id)]
        id: u32,
    }

    /// It is moved into a box with each miss: futures within futures, each with room for what it
    /// was given, had come to 28 KiB.
    #[test]
    fn what_answers_a_miss_is_small() {
        let items = Kv::new(MemoryStore::new()).collection::<Item>().cached(Cache::new());
        let answer = items.clone().answered(1, Look::Nothing, Ask::STORE);
        assert!(size_of_val(&answer) < 5 << 10, "{}", size_of_val(&answer));
    }
}
