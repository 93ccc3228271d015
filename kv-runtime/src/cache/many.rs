//! Many ids at once: one batch of the store, one call of the origin, for all that the memory lacks.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{FusedFuture, FutureExt};

use super::answer::When;
use super::batch::ManyOrigin;
use super::entry::Entry;
use super::in_flight::Kind;
use super::stats::Count;
use super::tier::{Look, Outcome, Tier};
use super::{Cached, FromOrigin};
use crate::entity::KvEntity;
use crate::error::{BoxError, Result};
use crate::key::Lookup;
use crate::maybe_send::{BoxFuture, MaybeSend};
use crate::store::Store;

/// What the memory has of the ids that were asked for, in their order, and what it lacks.
struct Looked<E: KvEntity> {
    answers: Answers<E>,
    missing: Vec<Missing<E>>,
    /// Ids that the memory has, and that are to be loaded anew.
    due: Vec<E::Id>,
}

type Answers<E> = Vec<Option<Arc<E>>>;

/// An id that the memory lacks: its place among those that were asked for, and what is stale of it.
struct Missing<E: KvEntity> {
    place: usize,
    id: E::Id,
    stale: Option<Entry<E>>,
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
        let looked = self.look_many(ids, Kind::Read);
        self.refresh_many_behind(looked.due, None);
        if looked.missing.is_empty() {
            return Ok(looked.answers);
        }
        self.answer_many(looked.answers, looked.missing, None).await
    }

    /// The entities with these ids: as many answers, in the same order. The store is asked once for all that the memory lacks, and the origin once
    /// for all that the store lacks; what it gives fills both.
    ///
    /// `load` gets the ids and gives the entities, in any order; an id that it gives none for is absent. Each is an `E`, an `Arc` of it, or
    /// either in [`Loaded`](super::Loaded) with TTLs of its own. Otherwise as [`get_or_load`](Self::get_or_load):
    ///
    /// - What is to be [refreshed ahead](super::Cache::refresh_ahead) is loaded in the background, by one call for all of it.
    /// - If the origin fails, what is stale is served; the first id without is the error. What the store had is kept.
    /// - The [soft timeout](super::Cache::soft_timeout) counts where something stale is there for every id that has to be loaded:
    ///   otherwise the caller has to wait for the batch anyway.
    ///
    /// So `load` may be called twice, for ids that are missing and for those that are refreshed; and again if another's call was dropped
    /// that this one had waited for.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kv_runtime::cache::{Cache, Loaded};
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "price")]
    /// # struct Price { #[kv(id)] product: u64, cents: u32 }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let prices = Kv::new(MemoryStore::new()).collection::<Price>().cached(Cache::new());
    /// let fetch = |products: Vec<u64>| async move {
    ///     let price = |product| Loaded::new(Price { product, cents: 206 }).memory_ttl(Duration::from_secs(5));
    ///     Ok::<_, std::io::Error>(products.into_iter().map(price).collect::<Vec<_>>())
    /// };
    /// let found = prices.get_or_load_many([1, 2], fetch).await?;
    /// assert_eq!(found.iter().flatten().count(), 2);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get_or_load_many<I, F, Fut, T, X>(&self, ids: I, load: F) -> Result<Vec<Option<Arc<E>>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
        F: FnMut(Vec<E::Id>) -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<Vec<T>, X>> + MaybeSend + 'static,
        T: FromOrigin<E, Found = Arc<E>>,
        X: Into<BoxError>,
    {
        let looked = self.look_many(ids, Kind::Load);
        if looked.missing.is_empty() && looked.due.is_empty() {
            return Ok(looked.answers);
        }
        let origin = ManyOrigin::new(load);
        self.refresh_many_behind(looked.due, Some(&origin));
        if looked.missing.is_empty() {
            return Ok(looked.answers);
        }
        self.answer_many(looked.answers, looked.missing, Some(origin)).await
    }

    fn look_many<I>(&self, ids: I, kind: Kind) -> Looked<E>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let (mut answers, mut missing, mut due) = (Vec::new(), Vec::new(), Vec::new());
        for (place, id) in ids.into_iter().enumerate() {
            let stale = match self.tier.look(&id) {
                Look::Fresh(value) => {
                    answers.push(Some(value));
                    continue;
                }
                Look::Due(value) => {
                    answers.push(Some(value));
                    due.push(id.into_id());
                    continue;
                }
                Look::Stale(entry) => Tier::stand_in(entry, kind),
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
        Looked { answers, missing, due }
    }

    /// Loads entities anew that are still fresh, in one batch, if there is a spawner: those that nobody loads already.
    fn refresh_many_behind(&self, ids: Vec<E::Id>, origin: Option<&ManyOrigin<E>>) {
        let Some(spawn) = self.behind.spawn.as_ref().filter(|_| !ids.is_empty()) else { return };
        let kind = if origin.is_some() { Kind::Load } else { Kind::Read };
        let may_ask = |id: &E::Id| !matches!(self.tier.known(id, kind), Some(Err(_)));
        let seats = ids.into_iter().filter(may_ask).map(|id| self.tier.join(id, kind, false));
        let seats: Vec<_> = seats.filter(|seat| seat.leads()).collect();
        if seats.is_empty() {
            return;
        }
        seats.iter().for_each(|_| self.tier.counters.count(Count::Refresh));
        let (cache, origin) = (self.clone(), origin.cloned());
        spawn.spawn(Box::pin(async move {
            drop(cache.load_all(seats, origin.as_ref(), When::Ahead).await);
        }));
    }

    /// The answers to a call that the memory could not give. Boxed, so that the future of a hit is small.
    fn answer_many(
        &self,
        answers: Answers<E>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> BoxFuture<'static, Result<Answers<E>>> {
        Box::pin(self.clone().answered_many(answers, missing, origin))
    }

    /// How the loads end, or that they take too long for what there is in their place.
    async fn answered_many(
        self,
        mut answers: Answers<E>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> Result<Answers<E>> {
        let all_stale = || missing.iter().all(|missing| missing.stale.is_some());
        let soft = self.tier.settings.soft_timeout.zip(self.behind.spawn.clone()).filter(|_| all_stale());
        let (Some((limit, spawn)), Some(first)) = (soft, missing.first()) else {
            return self.loaded_many(answers, missing, origin).await;
        };
        let key = self.collection().key_of_id(&first.id);
        let stale: Vec<_> = missing.iter().map(|missing| (missing.place, missing.stale.clone())).collect();
        let mut load = Box::pin(self.clone().loaded_many(answers.clone(), missing, origin).fuse());
        match self.within(Some(limit), &key, load.as_mut()).await {
            Err(error) if !load.is_terminated() => {
                // It goes on without its caller.
                spawn.spawn(Box::pin(async move { drop(load.await) }));
                for (place, entry) in stale {
                    answers[place] = self.stale_or(entry, error.clone())?.value;
                }
                Ok(answers)
            }
            ended => ended,
        }
    }

    async fn loaded_many(
        self,
        mut answers: Answers<E>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> Result<Answers<E>> {
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
        let loaded = self.load_all(seats, origin.as_ref(), When::Missed).await;
        for (missing, outcome) in led.into_iter().zip(loaded) {
            settle(missing, outcome);
        }
        let limit = self.tier.settings.hard_timeout;
        for (missing, mut seat) in waiting {
            self.tier.counters.count(Count::SharedWait);
            let key = self.collection().key_of_id(&seat.id);
            let waited = self.within(limit, &key, pin!(async { Ok(seat.wait().await) })).await;
            let outcome = match waited {
                Ok(Some(outcome)) => outcome,
                // The one who led has gone.
                Ok(None) => match self.load_all(vec![seat], origin.as_ref(), When::Missed).await.pop() {
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
}
