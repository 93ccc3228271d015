//! Many ids at once: one batch of the store, one call of the origin, for all that the memory lacks.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Cached;
use super::answer::{Ask, StoreFill};
use super::entry::Entry;
use super::in_flight::Kind;
use super::origin::{Panicked, guarded};
use super::stats::Count;
use super::tier::{Fill, Got, Look, Outcome, Seat};
use crate::collection::Standing;
use crate::entity::KvEntity;
use crate::error::{BoxError, Error, Result, SharedError};
use crate::key::{Key, Lookup};
use crate::maybe_send::{BoxFuture, MaybeSend};
use crate::served::Whence;
use crate::store::Store;

/// An id that the memory lacks: its place among those that were asked for, and what is stale of it.
struct Missing<E: KvEntity> {
    place: usize,
    id: E::Id,
    stale: Option<Entry<E>>,
}

/// A loader of many without its types.
type ManyOrigin<E> = Box<dyn LoadMany<E>>;

trait LoadMany<E: KvEntity>: MaybeSend {
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Result<Vec<E>, SharedError>>;
}

impl<E: KvEntity, F> LoadMany<E> for F
where
    F: FnMut(Vec<E::Id>) -> BoxFuture<'static, Result<Vec<E>, SharedError>> + MaybeSend,
{
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Result<Vec<E>, SharedError>> {
        self(ids)
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// The entities with these ids: as many answers, in the same order. The store is asked once for all that the memory lacks, and not for
    /// what others are loading already.
    ///
    /// If the store fails, what is stale is served; the first id without is the error.
    pub async fn get_many<I>(&self, ids: I) -> Result<Vec<Option<Arc<E>>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let (answers, missing) = self.look_many(ids, Kind::Read);
        if missing.is_empty() { Ok(answers) } else { self.clone().answer_many(answers, missing, None).await }
    }

    /// The entities with these ids: as many answers, in the same order. The store is asked once for all that the memory lacks, and the origin once
    /// for all that the store lacks; what it gives fills both.
    ///
    /// `load` gets the ids and gives the entities, in any order; an id that it gives none for is absent. It is called again only
    /// if another's call was dropped that this one had waited for. Otherwise as [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_many<I, F, Fut, X>(&self, ids: I, mut load: F) -> Result<Vec<Option<Arc<E>>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
        F: FnMut(Vec<E::Id>) -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<Vec<E>, X>> + MaybeSend + 'static,
        X: Into<BoxError>,
    {
        let (answers, missing) = self.look_many(ids, Kind::Load);
        if missing.is_empty() {
            return Ok(answers);
        }
        let origin: ManyOrigin<E> = Box::new(move |ids| -> BoxFuture<'static, _> {
            // Called here and polled there: both may panic.
            let loading = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| load(ids)));
            Box::pin(async move {
                let Ok(loading) = loading else { return Err(SharedError::new(Panicked)) };
                match guarded(|| loading).await {
                    Some(loaded) => loaded.map_err(|error| SharedError::from(error.into())),
                    None => Err(SharedError::new(Panicked)),
                }
            })
        });
        self.clone().answer_many(answers, missing, Some(origin)).await
    }

    /// What the memory has of these ids, and what it lacks.
    fn look_many<I>(&self, ids: I, kind: Kind) -> (Vec<Option<Arc<E>>>, Vec<Missing<E>>)
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let (mut answers, mut missing) = (Vec::new(), Vec::new());
        for (place, id) in ids.into_iter().enumerate() {
            let stale = match self.tier.look(&id) {
                Look::Fresh(value) => {
                    answers.push(Some(value));
                    continue;
                }
                Look::Due(value) => {
                    answers.push(Some(value));
                    if kind == Kind::Read {
                        self.refresh_behind(id.into_id(), Ask::STORE);
                    }
                    continue;
                }
                Look::Stale(entry) => Some(entry),
                Look::Nothing => None,
            };
            answers.push(None);
            let id = id.into_id();
            if let Some(Ok(())) = self.tier.known(&id, kind) {
                self.tier.counters.count(Count::NegativeHit);
            } else {
                missing.push(Missing { place, id, stale });
            }
        }
        (answers, missing)
    }

    fn answer_many(
        self,
        answers: Vec<Option<Arc<E>>>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> BoxFuture<'static, Result<Vec<Option<Arc<E>>>>> {
        Box::pin(self.answered_many(answers, missing, origin))
    }

    async fn answered_many(
        self,
        mut answers: Vec<Option<Arc<E>>>,
        missing: Vec<Missing<E>>,
        mut origin: Option<ManyOrigin<E>>,
    ) -> Result<Vec<Option<Arc<E>>>> {
        let kind = if origin.is_some() { Kind::Load } else { Kind::Read };
        let mut failed = None;
        let mut settle = |missing: Missing<E>, outcome: Outcome<E>| match outcome {
            Ok(got) => answers[missing.place] = got.value,
            Err(error) => match self.stale_or(missing.stale, error) {
                Ok(served) => answers[missing.place] = served.value,
                Err(error) => failed = failed.take().or(Some(error)),
            },
        };
        let (mut led, mut waiting) = (Vec::new(), Vec::new());
        for missing in missing {
            if let Some(Err(error)) = self.tier.known(&missing.id, kind)
                && (kind == Kind::Load || missing.stale.is_some())
            {
                self.tier.counters.count(Count::Paused);
                settle(missing, Err(error));
                continue;
            }
            let seat = self.tier.join(missing.id.clone(), kind, false);
            if seat.leads() { &mut led } else { &mut waiting }.push((missing, seat));
        }
        // Those that are led come first: another call may wait for them while this one waits for its own.
        let (led, seats): (Vec<_>, Vec<_>) = led.into_iter().unzip();
        for (missing, outcome) in led.into_iter().zip(self.load_all(seats, &mut origin).await) {
            settle(missing, outcome);
        }
        let limit = self.tier.settings.hard_timeout;
        for (missing, mut seat) in waiting {
            self.tier.counters.count(Count::SharedWait);
            let key = self.collection().key_of_id(&seat.id);
            let waited = self.within(limit, &key, async { Ok(seat.wait().await) }).await;
            let outcome = match waited {
                Ok(Some(outcome)) => outcome,
                // The one who led has gone.
                Ok(None) => match self.load_all(vec![seat], &mut origin).await.pop() {
                    Some(outcome) => outcome,
                    None => continue,
                },
                Err(error) => Err(error),
            };
            settle(missing, outcome);
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(answers),
        }
    }

    /// Loads what these seats lead, and tells all who wait. As many outcomes, in the same order.
    async fn load_all(&self, seats: Vec<Seat<E>>, origin: &mut Option<ManyOrigin<E>>) -> Vec<Outcome<E>> {
        if seats.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Key> = seats.iter().map(|seat| self.collection().key_of_id(&seat.id)).collect();
        let outcomes = match origin {
            None => self.read_store_of(&seats, keys).await,
            Some(origin) => self.load_many(&seats, keys, origin).await,
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
        let found = match self.within(limit, &first, collection.find_all(keys, ids)).await {
            Ok(found) => found,
            Err(error) => return self.all_failed(seats, Count::StoreError, &error),
        };
        let keep = |(seat, found): (&Seat<E>, Option<crate::collection::Found<E>>)| match found {
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
        keys: Vec<Key>,
        origin: &mut ManyOrigin<E>,
    ) -> Vec<Outcome<E>> {
        let limit = self.tier.settings.hard_timeout;
        match self.within(limit, &keys[0], self.store_then_origin_of(seats, &keys, origin)).await {
            Ok(loaded) => {
                let fills: FuturesUnordered<_> = seats
                    .iter()
                    .zip(&keys)
                    .zip(&loaded)
                    .filter_map(|((seat, key), loaded)| {
                        let (got, Some(unchanged)) = loaded else { return None };
                        let fill = StoreFill { unchanged: unchanged.clone(), ttl: None };
                        Some(self.fill_store(seat, key, fill, got.value.as_deref()))
                    })
                    .collect();
                fills.collect::<Vec<()>>().await;
                loaded.into_iter().map(|(got, _)| Ok(got)).collect()
            }
            Err(error) => self.all_failed(seats, Count::OriginError, &error),
        }
    }

    /// What each load brought, and the conditions on which the store is to be filled with it.
    async fn store_then_origin_of(
        &self,
        seats: &[Seat<E>],
        keys: &[Key],
        origin: &mut ManyOrigin<E>,
    ) -> Result<Vec<(Got<E>, Option<Vec<crate::store::Condition>>)>> {
        let (tier, collection) = (&self.tier, self.collection());
        let since = tier.now();
        let ids: Vec<E::Id> = seats.iter().map(|seat| seat.id.clone()).collect();
        let standing = match collection.standing_all(keys, ids).await {
            Ok(standing) => standing.into_iter().map(Some).collect::<Vec<_>>(),
            Err(error) => {
                tier.counters.count(Count::StoreError);
                tracing::warn!(%error, "the store is passed over, and the origin asked");
                seats.iter().map(|_| None).collect()
            }
        };
        let mut loaded = Vec::with_capacity(seats.len());
        let mut lacking = Vec::new();
        for (place, (seat, standing)) in seats.iter().zip(standing).enumerate() {
            let Some(Standing { found, unchanged }) = standing else {
                lacking.push((place, None));
                loaded.push((Got { value: None, whence: Whence::Origin }, None));
                continue;
            };
            if let Some(found) = found {
                tier.counters.count(Count::StoreHit);
                let value = Arc::new(found.entity);
                seat.settle(Fill::Present(tier.entry(&value, since, None, found.expires_at)));
                loaded.push((Got { value: Some(value), whence: Whence::Store }, None));
            } else {
                tier.counters.count(Count::StoreMiss);
                lacking.push((place, Some(unchanged)));
                loaded.push((Got { value: None, whence: Whence::Origin }, None));
            }
        }
        if lacking.is_empty() {
            return Ok(loaded);
        }
        let ids: Vec<E::Id> = lacking.iter().map(|(place, _)| seats[*place].id.clone()).collect();
        ids.iter().for_each(|_| tier.counters.count(Count::OriginLoad));
        let given = origin
            .load(ids)
            .await
            .map_err(|source| Error::Load { at: collection.at(&keys[lacking[0].0]), source })?;
        let mut given: HashMap<E::Id, Arc<E>> =
            given.into_iter().map(|entity| (entity.id(), Arc::new(entity))).collect();
        for (place, unchanged) in lacking {
            let value = given.remove(&seats[place].id);
            seats[place].settle(self.given(value.as_ref(), None));
            let unchanged = unchanged.filter(|_| value.is_some());
            loaded[place] = (Got { value, whence: Whence::Origin }, unchanged);
        }
        Ok(loaded)
    }

    fn all_failed(&self, seats: &[Seat<E>], count: Count, error: &Error) -> Vec<Outcome<E>> {
        let fail = |seat: &Seat<E>| {
            self.tier.counters.count(count);
            seat.settle(Fill::Failed(error.clone()));
            Err(error.clone())
        };
        seats.iter().map(fail).collect()
    }
}
