//! What happens when memory alone has no answer: a load, or something stale in its place.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FusedFuture, FutureExt};

use super::Cached;
use super::entry::Entry;
use super::in_flight::Kind;
use super::origin::{Origin, OtherId};
use super::stats::Count;
use super::tier::{Fill, Got, Look, Outcome, Seat, Tier};
use crate::clock::Timestamp;
use crate::collection::Standing;
use crate::entity::KvEntity;
use crate::error::{Error, Result, SharedError, causes};
use crate::key::Key;
use crate::maybe_send::BoxFuture;
use crate::served::{Served, Whence};
use crate::store::{Commit, Condition, Store};

/// What an answer is, before the caller's form of it.
pub(super) type Answer<E> = Result<Served<Option<Arc<E>>>>;

/// Who is asked.
pub(super) struct Ask<E> {
    /// Beyond the store; nobody for a read.
    pub(super) origin: Option<Origin<E>>,
    pub(super) when: When,
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
    pub(super) const STORE: Self = Self { origin: None, when: When::Missed };

    fn kind(&self) -> Kind {
        if self.origin.is_some() { Kind::Load } else { Kind::Read }
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// The answer to a call that the memory could not give. Boxed, so that the future of a hit is small.
    pub(super) fn answer(&self, id: E::Id, look: Look<E>, ask: Ask<E>) -> BoxFuture<'static, Answer<E>> {
        Box::pin(self.clone().answered(id, look, ask))
    }

    async fn answered(self, id: E::Id, look: Look<E>, ask: Ask<E>) -> Answer<E> {
        let kind = ask.kind();
        let stale = match look {
            Look::Fresh(value) => return Ok(Served::new(Some(value), Whence::Memory)),
            Look::Due(value) => {
                self.refresh_behind(id, ask);
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
        let seat = self.tier.join(id, kind, ask.when == When::Always);
        if !seat.leads() {
            self.tier.counters.count(Count::SharedWait);
        }
        match self.outcome(seat, ask, stale.is_some()).await {
            Ok(got) => Ok(Served::new(got.value, got.whence)),
            Err(error) => self.stale_or(stale, error),
        }
    }

    /// How the load ends, or that it takes too long.
    async fn outcome(&self, seat: Seat<E>, ask: Ask<E>, may_be_stale: bool) -> Outcome<E> {
        let settings = &self.tier.settings;
        let (leads, key) = (seat.leads(), self.collection().key_of_id(&seat.id));
        let soft = settings.soft_timeout.filter(|_| may_be_stale).zip(self.behind.spawn.as_ref());
        let Some((limit, spawn)) = soft else {
            // A leader's load has the limit in itself, so that all get its outcome.
            let limit = settings.hard_timeout.filter(|_| !leads);
            return self.within(limit, &key, pin!(self.clone().fly(seat, ask))).await;
        };
        let mut load = Box::pin(self.clone().fly(seat, ask).fuse());
        let outcome = self.within(Some(limit), &key, load.as_mut()).await;
        if leads && !load.is_terminated() {
            // It goes on without its caller. One who only waited leaves it to the one who leads.
            spawn.spawn(Box::pin(async move { drop(load.await) }));
        }
        outcome
    }

    /// What is stale, if it still may be served; otherwise the error.
    pub(super) fn stale_or(&self, stale: Option<Entry<E>>, error: Error) -> Answer<E> {
        let Some(entry) = stale.filter(|entry| self.tier.may_serve_stale(entry)) else { return Err(error) };
        self.tier.counters.count(Count::Stale);
        tracing::debug!(entity = E::SCHEMA.name(), %error, cause = causes(&error), "what is stale is served");
        Ok(Served::instead(Some(entry.value), Whence::Stale, Some(error)))
    }

    /// Loads an entity anew that is still fresh, if there is a spawner and nobody does so already.
    fn refresh_behind(&self, id: E::Id, ask: Ask<E>) {
        let Some(spawn) = &self.behind.spawn else { return };
        let kind = ask.kind();
        if matches!(self.tier.known(&id, kind), Some(Err(_))) {
            return;
        }
        let seat = self.tier.join(id, kind, false);
        if seat.leads() {
            self.tier.counters.count(Count::Refresh);
            let load = self.clone().fly(seat, Ask { when: When::Ahead, ..ask });
            spawn.spawn(Box::pin(async move { drop(load.await) }));
        }
    }

    /// Waits for the load, or drives it.
    pub(super) async fn fly(self, mut seat: Seat<E>, ask: Ask<E>) -> Outcome<E> {
        if let Some(outcome) = seat.wait().await {
            return outcome;
        }
        let outcome = match ask.origin {
            None => self.read_store(&seat).await,
            Some(origin) => self.load(&seat, origin, ask.when).await,
        };
        seat.complete(outcome.clone());
        outcome
    }

    async fn read_store(&self, seat: &Seat<E>) -> Outcome<E> {
        let (tier, collection) = (&self.tier, self.collection());
        let (key, since, limit) = (collection.key_of_id(&seat.id), tier.now(), tier.settings.hard_timeout);
        let found = self.within(limit, &key, pin!(collection.find(seat.id.clone(), &key))).await;
        match found {
            Ok(Some(found)) => {
                tier.counters.count(Count::StoreHit);
                let value = Arc::new(found.entity);
                seat.settle(Fill::Present(tier.entry(&value, since, None, found.expires_at)));
                Ok(Got { value: Some(value), whence: Whence::Store })
            }
            Ok(None) => {
                tier.counters.count(Count::StoreMiss);
                seat.settle(Fill::Absent { for_origin: false });
                Ok(Got { value: None, whence: Whence::Store })
            }
            Err(error) => {
                self.store_failed(&error);
                seat.settle(Fill::Failed(error.clone()));
                Err(error)
            }
        }
    }

    /// The store, then the origin; both tiers are filled on the way back.
    async fn load(&self, seat: &Seat<E>, origin: Origin<E>, when: When) -> Outcome<E> {
        let (tier, collection) = (&self.tier, self.collection());
        let (key, limit) = (collection.key_of_id(&seat.id), tier.settings.hard_timeout);
        let loaded = self.within(limit, &key, pin!(self.store_then_origin(seat, &key, origin, when))).await;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                self.origin_failed(&error);
                seat.settle(Fill::Failed(error.clone()));
                return Err(error);
            }
        };
        if let Some(fill) = loaded.fill {
            self.fill_store(seat, &key, fill, loaded.got.value.as_deref()).await;
        }
        Ok(loaded.got)
    }

    async fn store_then_origin(
        &self,
        seat: &Seat<E>,
        key: &Key,
        origin: Origin<E>,
        when: When,
    ) -> Result<LoadedEntity<E>> {
        let (tier, collection) = (&self.tier, self.collection());
        let since = tier.now();
        let standing = match collection.standing(seat.id.clone(), key).await {
            Ok(standing) => Some(standing),
            // A store that fails is a miss. Whatever stands there is left alone.
            Err(error) => {
                self.passed_over(&error);
                None
            }
        };
        let (found, unchanged) = match standing {
            Some(Standing { found, unchanged }) => (found, Some(unchanged)),
            None => (None, None),
        };
        let stood = found.is_some();
        if let Some(found) = found.filter(|found| !self.asks_on(when, found.expires_at)) {
            tier.counters.count(Count::StoreHit);
            let value = Arc::new(found.entity);
            seat.settle(Fill::Present(tier.entry(&value, since, None, found.expires_at)));
            return Ok(LoadedEntity { got: Got { value: Some(value), whence: Whence::Store }, fill: None });
        }
        if unchanged.is_some() && !stood {
            tier.counters.count(Count::StoreMiss);
        }
        tier.counters.count(Count::OriginLoad);
        let (value, [memory_ttl, store_ttl]) = match origin.load().await {
            Ok(given) => given.into_parts(),
            Err(source) => return Err(Error::Load { at: collection.at(key), retryable: true, source }),
        };
        if value.as_ref().is_some_and(|value| value.id() != seat.id) {
            let source = SharedError::new(OtherId);
            return Err(Error::Load { at: collection.at(key), retryable: false, source });
        }
        seat.settle(self.given(value.as_ref(), memory_ttl));
        let fill = unchanged.filter(|_| value.is_some() || stood);
        let fill = fill.map(|unchanged| StoreFill { unchanged, ttl: store_ttl });
        Ok(LoadedEntity { got: Got { value, whence: Whence::Origin }, fill })
    }

    /// Whether the origin is asked although the store holds a record that expires then.
    pub(super) fn asks_on(&self, when: When, expires_at: Option<Timestamp>) -> bool {
        let settings = &self.tier.settings;
        match (when, expires_at, settings.refresh_at, settings.store_ttl) {
            (When::Always, ..) => true,
            (When::Ahead, Some(at), Some(share), Some(ttl)) => {
                at.saturating_since(self.tier.now()) < ttl.mul_f64(1.0 - share)
            }
            _ => false,
        }
    }

    /// What the memory is to hold of what an origin gave just now.
    pub(super) fn given(&self, value: Option<&Arc<E>>, ttl: Option<Duration>) -> Fill<E> {
        match value {
            Some(value) => {
                let now = self.tier.now();
                Fill::Present(self.tier.entry(value, now, ttl, self.collection().expires_at(value, now)))
            }
            None => Fill::Absent { for_origin: true },
        }
    }

    /// A call of the origin, or the whole of a load, has failed: told once, however many wait, and whether or not something stale is served.
    pub(super) fn origin_failed(&self, error: &Error) {
        self.tier.counters.count(Count::OriginError);
        tracing::warn!(%error, cause = causes(error), "the origin failed");
    }

    /// A call of the store that nothing is behind has failed: told as [`origin_failed`](Self::origin_failed) is.
    pub(super) fn store_failed(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store failed");
    }

    pub(super) fn passed_over(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store is passed over, and the origin asked");
    }

    /// Fills the store, if no write has met the load. It never fails the load.
    pub(super) async fn fill_store(&self, seat: &Seat<E>, key: &Key, fill: StoreFill, entity: Option<&E>) {
        let (Some(filler), tier) = (self.behind.filler.0, &self.tier) else { return };
        let Some(turn) = seat.begin_fill() else { return };
        let ttl = fill.ttl.or(tier.settings.store_ttl).map(|ttl| self.store_ttl(ttl));
        let fill = super::fill::Filling { key, unchanged: fill.unchanged, entity, ttl };
        let done =
            self.within(tier.settings.hard_timeout, key, filler(self.collection(), fill).as_mut()).await;
        drop(turn);
        match done {
            Ok(Commit::Done) => tier.counters.count(Count::Filled),
            Ok(Commit::Conflict(_)) => tier.counters.count(Count::FillLost),
            Err(error) => {
                tier.counters.count(Count::FillFailed);
                tracing::warn!(%error, cause = causes(&error), "what the origin gave was not written into the store");
            }
        }
    }

    /// A TTL with jitter, but not below what the store takes.
    fn store_ttl(&self, ttl: Duration) -> Duration {
        let least = self.collection().store().capabilities().limits.least_ttl.unwrap_or_default();
        self.tier.settings.jittered(ttl).max(least.min(ttl))
    }
}

/// What a load brought, and how the store is to be filled with it.
pub(super) struct LoadedEntity<E> {
    pub(super) got: Got<E>,
    pub(super) fill: Option<StoreFill>,
}

pub(super) struct StoreFill {
    pub(super) unchanged: Vec<Condition>,
    pub(super) ttl: Option<Duration>,
}

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

    /// It is moved into a box with each miss: futures within futures, each with room for what it was given, had come to 28 KiB.
    #[test]
    fn what_answers_a_miss_is_small() {
        let items = Kv::new(MemoryStore::new()).collection::<Item>().cached(Cache::new());
        let answer = items.clone().answered(1, Look::Nothing, Ask::STORE);
        assert!(size_of_val(&answer) < 5 << 10, "{}", size_of_val(&answer));
    }
}
