//! One batch of the store, and one call of the origin, for the loads of many ids.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Cached;
use super::answer::{LoadedEntity, StoreFill, When};
use super::origin::{FromOrigin, Loaded, Panicked, guarded};
use super::stats::Count;
use super::tier::{Fill, Got, Outcome, Seat};
use crate::collection::{Found, Standing};
use crate::entity::KvEntity;
use crate::error::{BoxError, Error, Result, SharedError};
use crate::key::Key;
use crate::maybe_send::{BoxFuture, MaybeSend};
use crate::served::Whence;
use crate::store::{Condition, Store};

/// A loader of many without its types. A refresh in the background shares it with the call that brought it.
pub(super) struct ManyOrigin<E: KvEntity>(Arc<Mutex<dyn LoadMany<E>>>);

/// What an origin gives for many ids.
type Given<E> = Result<Vec<Loaded<Option<Arc<E>>>>, SharedError>;

trait LoadMany<E: KvEntity>: MaybeSend {
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>>;
}

impl<E: KvEntity, F> LoadMany<E> for F
where
    F: FnMut(Vec<E::Id>) -> BoxFuture<'static, Given<E>> + MaybeSend,
{
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>> {
        self(ids)
    }
}

impl<E: KvEntity> ManyOrigin<E> {
    pub(super) fn new<F, Fut, T, X>(mut load: F) -> Self
    where
        F: FnMut(Vec<E::Id>) -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<Vec<T>, X>> + MaybeSend + 'static,
        T: FromOrigin<E>,
        X: Into<BoxError>,
    {
        Self(Arc::new(Mutex::new(move |ids| -> BoxFuture<'static, _> {
            // Called here and polled there: both may panic.
            let loading = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| load(ids)));
            Box::pin(async move {
                let Ok(loading) = loading else { return Err(SharedError::new(Panicked)) };
                match guarded(|| loading).await {
                    Some(Ok(given)) => Ok(given.into_iter().map(T::into_loaded).collect()),
                    Some(Err(error)) => Err(SharedError::from(error.into())),
                    None => Err(SharedError::new(Panicked)),
                }
            })
        })))
    }

    fn load(&self, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).load(ids)
    }
}

impl<E: KvEntity> Clone for ManyOrigin<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// An id that the origin is asked for.
struct Lacking {
    /// Its place in the batch.
    place: usize,
    /// On which conditions the store is to be filled; nothing if the store has failed.
    unchanged: Option<Vec<Condition>>,
    /// Whether the store has a record of it all the same.
    stood: bool,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Loads what these seats lead, and tells all who wait. As many outcomes, in the same order.
    pub(super) async fn load_all(
        &self,
        seats: Vec<Seat<E>>,
        origin: Option<&ManyOrigin<E>>,
        when: When,
    ) -> Vec<Outcome<E>> {
        if seats.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Key> = seats.iter().map(|seat| self.collection().key_of_id(&seat.id)).collect();
        let outcomes = match origin {
            None => self.read_store_of(&seats, keys).await,
            Some(origin) => self.load_many(&seats, &keys, origin, when).await,
        };
        for (seat, outcome) in seats.into_iter().zip(&outcomes) {
            seat.complete(outcome.clone());
        }
        outcomes
    }

    async fn read_store_of(&self, seats: &[Seat<E>], keys: Vec<Key>) -> Vec<Outcome<E>> {
        let (tier, collection) = (&self.tier, self.collection());
        let (since, limit) = (tier.now(), tier.settings.hard_timeout);
        let ids = seats.iter().map(|seat| seat.id.clone()).collect();
        let first = keys[0].clone();
        let found = self.within(limit, &first, pin!(collection.find_all(keys, ids))).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.store_failed(&error);
                return all_failed(seats, &error);
            }
        };
        let keep = |(seat, found): (&Seat<E>, Option<Found<E>>)| match found {
            Some(found) => {
                tier.counters.count(Count::StoreHit);
                let value = Arc::new(found.entity);
                seat.settle(Fill::Present(tier.entry(&value, since, None, found.expires_at)));
                Ok(Got { value: Some(value), whence: Whence::Store })
            }
            None => {
                tier.counters.count(Count::StoreMiss);
                seat.settle(Fill::Absent { for_origin: false });
                Ok(Got { value: None, whence: Whence::Store })
            }
        };
        seats.iter().zip(found).map(keep).collect()
    }

    async fn load_many(
        &self,
        seats: &[Seat<E>],
        keys: &[Key],
        origin: &ManyOrigin<E>,
        when: When,
    ) -> Vec<Outcome<E>> {
        let limit = self.tier.settings.hard_timeout;
        let work = async { Ok(self.store_then_origin_of(seats, keys, origin, when).await) };
        let loaded = self.within(limit, &keys[0], pin!(work)).await;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                self.origin_failed(&error);
                return all_failed(seats, &error);
            }
        };
        let mut fills = FuturesUnordered::new();
        let mut outcomes = Vec::with_capacity(loaded.len());
        for ((seat, key), loaded) in seats.iter().zip(keys).zip(loaded) {
            outcomes.push(loaded.map(|LoadedEntity { got, fill }| {
                if let Some(fill) = fill {
                    let value = got.value.clone();
                    fills.push(async move { self.fill_store(seat, key, fill, value.as_deref()).await });
                }
                got
            }));
        }
        while fills.next().await.is_some() {}
        drop(fills);
        outcomes
    }

    /// What each load brought, and how the store is to be filled with it.
    async fn store_then_origin_of(
        &self,
        seats: &[Seat<E>],
        keys: &[Key],
        origin: &ManyOrigin<E>,
        when: When,
    ) -> Vec<Result<LoadedEntity<E>>> {
        let (tier, since) = (&self.tier, self.tier.now());
        let mut loaded = Vec::with_capacity(seats.len());
        let mut lacking = Vec::new();
        for (place, (seat, standing)) in seats.iter().zip(self.standing_of(seats, keys).await).enumerate() {
            let (found, unchanged) = match standing {
                Some(Standing { found, unchanged }) => (found, Some(unchanged)),
                None => (None, None),
            };
            let stood = found.is_some();
            let value = match found.filter(|found| !self.asks_on(when, found.expires_at)) {
                Some(found) => {
                    tier.counters.count(Count::StoreHit);
                    let value = Arc::new(found.entity);
                    seat.settle(Fill::Present(tier.entry(&value, since, None, found.expires_at)));
                    Some(value)
                }
                None => {
                    if unchanged.is_some() && !stood {
                        tier.counters.count(Count::StoreMiss);
                    }
                    lacking.push(Lacking { place, unchanged, stood });
                    None
                }
            };
            loaded.push(Ok(LoadedEntity { got: Got { value, whence: Whence::Store }, fill: None }));
        }
        if !lacking.is_empty() {
            self.ask_origin_for(lacking, seats, keys, origin, &mut loaded).await;
        }
        loaded
    }

    /// What stands in the store at each id. A store that fails is a miss, and whatever stands there is left alone.
    async fn standing_of(&self, seats: &[Seat<E>], keys: &[Key]) -> Vec<Option<Standing<E>>> {
        let ids = seats.iter().map(|seat| seat.id.clone()).collect();
        match self.collection().standing_all(keys, ids).await {
            Ok(standing) => standing.into_iter().map(Some).collect(),
            Err(error) => {
                self.passed_over(&error);
                seats.iter().map(|_| None).collect()
            }
        }
    }

    /// Asks the origin once for all that the store lacks. If it fails, the loads of those fail, and no others.
    async fn ask_origin_for(
        &self,
        lacking: Vec<Lacking>,
        seats: &[Seat<E>],
        keys: &[Key],
        origin: &ManyOrigin<E>,
        loaded: &mut [Result<LoadedEntity<E>>],
    ) {
        let ids: Vec<E::Id> = lacking.iter().map(|lacking| seats[lacking.place].id.clone()).collect();
        ids.iter().for_each(|_| self.tier.counters.count(Count::OriginLoad));
        let given = match origin.load(ids).await {
            Ok(given) => given,
            Err(source) => {
                let mut is_told = false;
                for Lacking { place, .. } in lacking {
                    let at = self.collection().at(&keys[place]);
                    let error = Error::Load { at, retryable: true, source: source.clone() };
                    if !std::mem::replace(&mut is_told, true) {
                        self.origin_failed(&error); // one call, and the first of its keys
                    }
                    seats[place].settle(Fill::Failed(error.clone()));
                    loaded[place] = Err(error);
                }
                return;
            }
        };
        let mut given: HashMap<E::Id, _> = given
            .into_iter()
            .filter_map(|given| {
                let (value, ttls) = given.into_parts();
                value.map(|value| (value.id(), (value, ttls)))
            })
            .collect();
        for Lacking { place, unchanged, stood } in lacking {
            let (value, [memory_ttl, store_ttl]) = match given.remove(&seats[place].id) {
                Some((value, ttls)) => (Some(value), ttls),
                None => (None, [None, None]),
            };
            seats[place].settle(self.given(value.as_ref(), memory_ttl));
            let fill = unchanged.filter(|_| value.is_some() || stood);
            let fill = fill.map(|unchanged| StoreFill { unchanged, ttl: store_ttl });
            loaded[place] = Ok(LoadedEntity { got: Got { value, whence: Whence::Origin }, fill });
        }
    }
}

/// All of a batch ended so.
fn all_failed<E: KvEntity>(seats: &[Seat<E>], error: &Error) -> Vec<Outcome<E>> {
    let fail = |seat: &Seat<E>| {
        seat.settle(Fill::Failed(error.clone()));
        Err(error.clone())
    };
    seats.iter().map(fail).collect()
}
