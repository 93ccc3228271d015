//! One batch of the store, and one call of the origin, for the loads of many ids.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt};
use kv_store::key::Key;
use kv_store::store::{Condition, Store};
use kv_store::{BoxError, BoxFuture, Error, MaybeSend, Result, SharedError};

use super::Cached;
use super::answer::When;
use super::fill_store::StoreFill;
use super::lead::Lead;
use super::load_one::LoadedEntity;
use super::origin::{FromOrigin, Loaded, Panicked, guarded};
use super::stats::Count;
use super::tier::{Fill, Got, Outcome, RecordExpiry};
use super::wait::Deadline;
use crate::collection::{BeforeFill, StoredEntity};
use crate::entity::KvEntity;
use crate::sourced::Source;

/// A loader of many ids, without its types. A background refresh shares it with the call that
/// passed it.
pub(super) struct ManyOrigin<E: KvEntity>(Arc<Mutex<dyn LoadMany<E>>>);

/// What an origin returns for many ids.
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

/// An id to ask the origin for.
struct Lacking {
    /// Its position in the batch.
    place: usize,
    /// The conditions for filling the store, or an error if the store could not be read.
    unchanged: Result<Vec<Condition>>,
    /// Whether the store has a record of it nevertheless.
    stood: bool,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Runs these loads, and wakes all callers that wait.
    pub(super) async fn load_all(self, leads: Vec<Lead<E>>, origin: Option<ManyOrigin<E>>, when: When) {
        let keys: Vec<Key> = leads.iter().map(|lead| self.own().key_of_id(&lead.id)).collect();
        let Some(first) = keys.first() else { return };
        match origin {
            None => {
                let outcomes = self.read_store_of(&leads, keys.clone()).await;
                leads.into_iter().zip(outcomes).for_each(|(lead, outcome)| lead.complete(outcome));
            }
            Some(origin) => {
                let mut deadline = Deadline::of(&self.tier.settings);
                let work = async { Ok(self.store_then_origin_of(&leads, &keys, &origin, when).await) };
                let loaded = self.before(&mut deadline, first, pin!(work)).await;
                match loaded {
                    Ok(loaded) => self.fill_store_with(leads, &keys, loaded, &mut deadline).await,
                    Err(error) => {
                        self.origin_failed(&error);
                        let outcomes = all_failed(&leads, &error);
                        leads.into_iter().zip(outcomes).for_each(|(lead, outcome)| lead.complete(outcome));
                    }
                }
            }
        }
    }

    /// Wakes all callers with the results, then fills the store with all of them at once.
    async fn fill_store_with(
        &self,
        leads: Vec<Lead<E>>,
        keys: &[Key],
        loaded: Vec<Result<LoadedEntity<E>>>,
        deadline: &mut Deadline,
    ) {
        let mut fills = FuturesUnordered::new();
        for ((lead, key), loaded) in leads.into_iter().zip(keys).zip(loaded) {
            let outcome = loaded.map(|LoadedEntity { got, fill }| {
                if let Some(filling) = self.filling(self.turn_to_fill(&lead, fill), key, got.value.clone()) {
                    fills.push(filling);
                }
                got
            });
            lead.complete(outcome);
        }
        let Some(first) = keys.first().filter(|_| !fills.is_empty()) else { return };
        let all = async {
            while fills.next().await.is_some() {}
            Ok(())
        };
        let filled = self.before(deadline, first, pin!(all)).await;
        if let Err(error) = filled {
            (0..fills.len()).for_each(|_| self.fill_failed(&error));
        }
    }

    async fn read_store_of(&self, leads: &[Lead<E>], keys: Vec<Key>) -> Vec<Outcome<E>> {
        let (tier, collection) = (&self.tier, self.own());
        let (since, limit) = (tier.now(), tier.settings.hard_timeout);
        let ids = leads.iter().map(|lead| lead.id.clone()).collect();
        let first = keys[0].clone();
        let found = self.within(limit, &first, pin!(collection.find_all(keys, ids))).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.store_failed(&error);
                return all_failed(leads, &error);
            }
        };
        let keep = |(lead, found): (&Lead<E>, Option<StoredEntity<E>>)| match found {
            Some(found) => {
                tier.counters.count(Count::StoreHit);
                let expiry = RecordExpiry::of(&found);
                let value = Arc::new(found.entity);
                lead.settle(Fill::Present(tier.entry(&value, since, None, expiry)));
                Ok(Got { value: Some(value), source: Source::Store })
            }
            None => {
                tier.counters.count(Count::StoreMiss);
                lead.settle(Fill::Absent { since, for_origin: false });
                Ok(Got { value: None, source: Source::Store })
            }
        };
        leads.iter().zip(found).map(keep).collect()
    }

    /// The result of each load, and how to fill the store with it.
    async fn store_then_origin_of(
        &self,
        leads: &[Lead<E>],
        keys: &[Key],
        origin: &ManyOrigin<E>,
        when: When,
    ) -> Vec<Result<LoadedEntity<E>>> {
        let (tier, since) = (&self.tier, self.tier.now());
        let mut loaded = Vec::with_capacity(leads.len());
        let mut lacking = Vec::new();
        for (place, (lead, standing)) in leads.iter().zip(self.standing_of(leads, keys).await).enumerate() {
            let (found, unchanged) = match standing {
                Ok(BeforeFill { found, unchanged }) => (found, Ok(unchanged)),
                Err(error) => (None, Err(error)),
            };
            let stood = found.is_some();
            let value = match found.filter(|found| !self.asks_on(when, found.expires_at)) {
                Some(found) => {
                    tier.counters.count(Count::StoreHit);
                    let expiry = RecordExpiry::of(&found);
                    let value = Arc::new(found.entity);
                    lead.settle(Fill::Present(tier.entry(&value, since, None, expiry)));
                    Some(value)
                }
                None => {
                    if unchanged.is_ok() && !stood {
                        tier.counters.count(Count::StoreMiss);
                    }
                    lacking.push(Lacking { place, unchanged, stood });
                    None
                }
            };
            loaded.push(Ok(LoadedEntity {
                got: Got { value, source: Source::Store },
                fill: StoreFill::Needless,
            }));
        }
        if !lacking.is_empty() {
            self.ask_origin_for(lacking, leads, keys, origin, &mut loaded).await;
        }
        loaded
    }

    /// Reads the store for each id. A store that fails is a miss, and its records are left
    /// untouched.
    async fn standing_of(&self, leads: &[Lead<E>], keys: &[Key]) -> Vec<Result<BeforeFill<E>>> {
        let ids = leads.iter().map(|lead| lead.id.clone()).collect();
        match self.own().standing_all(keys, ids).await {
            Ok(standing) => standing.into_iter().map(Ok).collect(),
            Err(error) => {
                self.passed_over(&error);
                leads.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Takes leases for all ids that the origin is asked for. If the store fails, it is not filled.
    async fn all_with_leases(&self, mut lacking: Vec<Lacking>) -> Vec<Lacking> {
        let mut all: Vec<_> = lacking.iter_mut().filter_map(|it| it.unchanged.as_mut().ok()).collect();
        if let Err(error) = self.take_leases(&mut all).await {
            let read = lacking.iter_mut().filter(|it| it.unchanged.is_ok());
            read.for_each(|it| it.unchanged = Err(error.clone()));
        }
        lacking
    }

    /// Asks the origin once for all ids that the store lacks. If it fails, the loads of these ids
    /// fail, and no others.
    async fn ask_origin_for(
        &self,
        lacking: Vec<Lacking>,
        leads: &[Lead<E>],
        keys: &[Key],
        origin: &ManyOrigin<E>,
        loaded: &mut [Result<LoadedEntity<E>>],
    ) {
        let lacking = self.all_with_leases(lacking).await;
        let ids: Vec<E::Id> = lacking.iter().map(|lacking| leads[lacking.place].id.clone()).collect();
        ids.iter().for_each(|_| self.tier.counters.count(Count::OriginLoad));
        let given = match origin.load(ids).await {
            Ok(given) => given,
            Err(source) => {
                let mut is_told = false;
                for Lacking { place, .. } in lacking {
                    let at = self.own().at(&keys[place]);
                    let error = Error::Load { at, retryable: true, source: source.clone() };
                    if !std::mem::replace(&mut is_told, true) {
                        self.origin_failed(&error); // one call, and the first of its keys
                    }
                    leads[place].settle(Fill::Failed(error.clone()));
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
            let (value, [memory_ttl, store_ttl]) = match given.remove(&leads[place].id) {
                Some((value, ttls)) => (Some(value), ttls),
                None => (None, [None, None]),
            };
            leads[place].settle(self.given(value.as_ref(), memory_ttl));
            let fill = StoreFill::of(unchanged, value.is_some() || stood, store_ttl);
            loaded[place] = Ok(LoadedEntity { got: Got { value, source: Source::Origin }, fill });
        }
    }
}

/// Ends all loads of a batch with this outcome.
fn all_failed<E: KvEntity>(leads: &[Lead<E>], error: &Error) -> Vec<Outcome<E>> {
    let fail = |lead: &Lead<E>| {
        lead.settle(Fill::Failed(error.clone()));
        Err(error.clone())
    };
    leads.iter().map(fail).collect()
}
