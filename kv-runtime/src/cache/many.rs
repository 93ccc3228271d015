//! Many ids at once: one batch of the store, one call of the origin, for all that the memory lacks.

use std::pin::pin;
use std::sync::Arc;

use kv_store::key::Lookup;
use kv_store::store::Store;
use kv_store::{BoxError, BoxFuture, MaybeSend, Result};

use super::answer::{ATTEMPTS, When};
use super::drive::Drive;
use super::entry::Entry;
use super::flight::Landed;
use super::in_flight::Kind;
use super::lead::Seat;
use super::origin::ManyOrigin;
use super::stats::Count;
use super::tier::{Look, Outcome, Tier};
use super::{Cached, FromOrigin};
use crate::entity::KvEntity;
use crate::small::Instrument;

/// What the memory has of the ids that were asked for, in their order, and what it lacks.
struct Looked<E: KvEntity> {
    answers: Answers<E>,
    missing: Vec<Missing<E>>,
    /// Ids that memory has, and that refresh-ahead loads again.
    due: Vec<E::Id>,
}

/// One answer for each id: the entity, `None`, or why it cannot be read.
type Answers<E> = Vec<Result<Option<Arc<E>>>>;

/// An id that the memory lacks: its place among those that were asked for, and what is stale of it.
struct Missing<E: KvEntity> {
    place: usize,
    id: E::Id,
    stale: Option<Entry<E>>,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns one answer for each id, in the order of the ids. The store is asked once for all ids
    /// that memory lacks, and not for ids that others are loading already.
    ///
    /// If the store fails, stale entities are served. If an id has none, the call fails;
    /// [`get_each`](Self::get_each) returns the others.
    pub fn get_many<'a, I>(&'a self, ids: I) -> BoxFuture<'a, Result<Vec<Option<Arc<E>>>>>
    where
        I: IntoIterator<Item: Lookup<E::Id>> + MaybeSend + 'a,
    {
        Box::pin(async move { self.read_each(ids).await.into_iter().collect() })
    }

    /// Returns one answer for each id, in the order of the ids: the entity, `None`, or the error of an
    /// entity that cannot be read and of which nothing stale can be served. It works as
    /// [`get_many`](Self::get_many), and as [`Collection::get_each`](crate::Collection::get_each). If
    /// the store fails, each id has its error.
    pub fn get_each<'a, I>(&'a self, ids: I) -> BoxFuture<'a, Result<Answers<E>>>
    where
        I: IntoIterator<Item: Lookup<E::Id>> + MaybeSend + 'a,
    {
        Box::pin(async move { Ok(self.read_each(ids).await) })
    }

    async fn read_each<I>(&self, ids: I) -> Answers<E>
    where
        I: IntoIterator<Item: Lookup<E::Id>>,
    {
        let looked = self.look_many(ids, Kind::Read);
        self.refresh_many_behind(looked.due, None);
        if looked.missing.is_empty() {
            return looked.answers;
        }
        self.answer_many(looked.answers, looked.missing, None).await
    }

    /// Returns one answer for each id, in the order of the ids. The store is asked once for all ids
    /// that memory lacks, and the origin once for all ids that the store lacks. Entities from the
    /// origin fill both.
    ///
    /// `load` gets the ids and returns the entities, in any order. An id without an entity is
    /// absent. Each entity is an `E`, an `Arc` of it, or either in [`Loaded`](super::Loaded) with
    /// its own TTLs. Otherwise it works as [`get_or_load`](Self::get_or_load):
    ///
    /// - Entities that are due for a [refresh](super::Cache::refresh_ahead) are loaded in the
    ///   background, by one call for all of them.
    /// - If the origin fails, stale entities are served. If an id has none, the call fails.
    ///   Entities that the store had are kept.
    /// - The [soft timeout](super::Cache::soft_timeout) applies only if there is a stale entity for
    ///   every id that has to be loaded. Otherwise the caller has to wait for the batch anyway.
    ///
    /// So `load` may be called twice: for ids that are missing, and for those that are refreshed.
    /// It is called again if another caller's load was dropped that this call had waited for.
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
    pub fn get_or_load_many<'a, I, F, Fut, T, X>(
        &'a self,
        ids: I,
        load: F,
    ) -> BoxFuture<'a, Result<Vec<Option<Arc<E>>>>>
    where
        I: IntoIterator<Item: Lookup<E::Id>> + MaybeSend + 'a,
        F: FnMut(Vec<E::Id>) -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<Vec<T>, X>> + MaybeSend + 'static,
        T: FromOrigin<E, Found = Arc<E>>,
        X: Into<BoxError>,
    {
        Box::pin(async move {
            let looked = self.look_many(ids, Kind::Load);
            if looked.missing.is_empty() && looked.due.is_empty() {
                return looked.answers.into_iter().collect();
            }
            let origin = ManyOrigin::new(load);
            self.refresh_many_behind(looked.due, Some(&origin));
            if looked.missing.is_empty() {
                return looked.answers.into_iter().collect();
            }
            self.answer_many(looked.answers, looked.missing, Some(origin)).await.into_iter().collect()
        })
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
                    answers.push(Ok(Some(value)));
                    continue;
                }
                Look::Due(value) => {
                    answers.push(Ok(Some(value)));
                    due.push(id.into_id());
                    continue;
                }
                Look::Stale(entry) => Tier::stand_in(entry, kind),
                Look::Nothing => None,
            };
            answers.push(Ok(None));
            let id = id.into_id();
            if let Some(Ok(())) = self.tier.known(&id, kind) {
                self.tier.counters.count(Count::NegativeHit);
            } else {
                missing.push(Missing { place, id, stale });
            }
        }
        Looked { answers, missing, due }
    }

    /// Refreshes fresh entities in one batch and one task, if there is an executor. Ids that are
    /// being loaded are left out.
    fn refresh_many_behind(&self, ids: Vec<E::Id>, origin: Option<&ManyOrigin<E>>) {
        let Some(executor) = self.behind.spawner.executor().filter(|_| !ids.is_empty()) else { return };
        let kind = if origin.is_some() { Kind::Load } else { Kind::Read };
        let (mut drive, mut leads) = (None, Vec::new());
        for id in ids {
            if matches!(self.tier.known(&id, kind), Some(Err(_))) || self.tier.is_loading(&id, kind) {
                continue;
            }
            if let Seat::Lead(lead) = self.tier.join(&id, kind, false, &mut drive) {
                self.tier.counters.count(Count::Refresh);
                leads.push(lead);
            }
        }
        let Some(drive) = drive else { return };
        drive.start(Box::pin(self.clone().load_many(leads, origin.map(ManyOrigin::once), When::Ahead)));
        executor.run(&drive);
    }

    /// The answers to a call that the memory could not give. Boxed, so that the future of a hit is
    /// small.
    fn answer_many(
        &self,
        answers: Answers<E>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> BoxFuture<'static, Answers<E>> {
        Box::pin(self.clone().answered_many(answers, missing, origin))
    }

    /// How the loads end, or that they take too long for what there is in their place.
    async fn answered_many(
        self,
        mut answers: Answers<E>,
        missing: Vec<Missing<E>>,
        origin: Option<ManyOrigin<E>>,
    ) -> Answers<E> {
        let Some(first) = missing.first() else { return answers };
        let (kind, key) = (kind_of(origin.as_ref()), self.own().key_of_id(&first.id));
        let all_stale = missing.iter().all(|missing| missing.stale.is_some());
        let soft =
            self.tier.settings.soft_timeout.filter(|_| all_stale && self.behind.spawner.executor().is_some());
        let mut unpaused = Vec::with_capacity(missing.len());
        for missing in missing {
            if let Some(Err(error)) = self.tier.known(&missing.id, kind)
                && (kind == Kind::Load || missing.stale.is_some())
            {
                self.tier.counters.count(Count::Paused);
                self.answer_one(&mut answers, missing, Err(error));
            } else {
                unpaused.push((missing, None));
            }
        }
        let ended = self.within(soft, &key, pin!(self.load_missing(&mut unpaused, origin.as_ref()))).await;
        // What takes too long goes on in its tasks.
        let late = ended.err();
        for (missing, outcome) in unpaused {
            let late = || late.clone().unwrap_or_else(|| self.abandoned(&key));
            let outcome = outcome.unwrap_or_else(|| Err(late()));
            self.answer_one(&mut answers, missing, outcome);
        }
        answers
    }

    fn answer_one(&self, answers: &mut Answers<E>, missing: Missing<E>, outcome: Outcome<E>) {
        let answer = outcome.map(|got| got.value);
        answers[missing.place] = answer.or_else(|error| Ok(self.stale_or(missing.stale, error)?.value));
    }

    /// Loads what is missing, by one batch for all that nobody loads yet.
    async fn load_missing(
        &self,
        missing: &mut [(Missing<E>, Option<Outcome<E>>)],
        origin: Option<&ManyOrigin<E>>,
    ) -> Result<()> {
        let (kind, hard_timeout) = (kind_of(origin), self.tier.settings.hard_timeout);
        for _ in 0..ATTEMPTS {
            let (mut drive, mut leads, mut waiters) = (None, Vec::new(), Vec::new());
            for (place, (missing, outcome)) in missing.iter_mut().enumerate().filter(|(_, it)| it.1.is_none())
            {
                match self.tier.join(&missing.id, kind, false, &mut drive) {
                    Seat::Lead(lead) => {
                        waiters.push((
                            place,
                            lead.waiter(Arc::clone(drive.get_or_insert_with(Drive::new))),
                            true,
                        ));
                        leads.push(lead);
                    }
                    Seat::Wait(waiter) => waiters.push((place, waiter, false)),
                    Seat::Within => {
                        let key = self.own().key_of_id(&missing.id);
                        *outcome = Some(Err(self.waits_for_itself(&key)));
                    }
                }
            }
            if let Some(drive) = &drive {
                let load = self.clone().load_many(leads, origin.map(ManyOrigin::once), When::Missed);
                drive.start(Box::pin(load.instrument(tracing::Span::current())));
                self.set_going(drive);
            }
            // The batch of this call comes first.
            waiters.sort_by_key(|(_, _, leads)| !leads);
            for (place, waiter, leads) in waiters {
                let (missing, outcome) = &mut missing[place];
                let (key, limit) = (self.own().key_of_id(&missing.id), hard_timeout.filter(|_| !leads));
                let ended = self.within(limit, &key, pin!(self.ended(&waiter, leads, &key))).await;
                *outcome = match waiter.flight.landed() {
                    Some(Landed::Done(outcome)) => Some(outcome),
                    Some(Landed::Abandoned) => None,
                    None => ended.err().map(Err),
                };
            }
            if missing.iter().all(|(_, outcome)| outcome.is_some()) {
                break;
            }
        }
        Ok(())
    }
}

fn kind_of<E: KvEntity>(origin: Option<&ManyOrigin<E>>) -> Kind {
    if origin.is_some() { Kind::Load } else { Kind::Read }
}
