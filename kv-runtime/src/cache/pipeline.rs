//! What a load does: the store, then the origin for what the store lacks, then the fill of the
//! store. One id is a batch of one.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use kv_store::key::Key;
use kv_store::store::{Condition, Store};
use kv_store::{BoxFuture, Error, Result, SharedError, Timestamp};
use tracing::Span;

use super::Cached;
use super::answer::{Ask, Beyond, When};
use super::entry::Moment;
use super::fill_store::{LEASE_LIFE, Report, StoreFill};
use super::lead::Lead;
use super::origin::{Loaded, Origin};
use super::stats::Count;
use super::tier::{Fill, Got, RecordExpiry};
use super::wait::Deadline;
use crate::collection::{BeforeFill, StoredEntity};
use crate::entity::KvEntity;
use crate::small::Instrument;
use crate::sourced::Source;

/// The result of a load, and how to fill the store with it.
struct LoadedEntity<E> {
    got: Got<E>,
    fill: StoreFill,
}

/// An id to ask the origin for.
struct Lacking {
    /// Its position in the batch.
    index: usize,
    /// The conditions for filling the store, or an error if the store could not be read.
    unchanged: Result<Vec<Condition>>,
    /// Whether the store has a record of it nevertheless.
    is_stored: bool,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns the future of one id's load.
    pub(super) fn flight(&self, lead: Lead<E>, ask: Ask<E, S>, span: Span) -> BoxFuture<'static, ()> {
        let cache = self.clone();
        match ask.origin {
            None => Box::pin(cache.read_one(lead).instrument(span)),
            Some(Beyond { origin, load }) => load(cache, lead, origin, ask.when, ask.report, span),
        }
    }

    /// Returns the future of the loads of several ids.
    pub(super) async fn load_many(self, leads: Vec<Lead<E>>, origin: Option<Origin<E>>, when: When) {
        match origin {
            None => self.read_many(leads).await,
            Some(origin) => self.load(leads, origin, when, None).await,
        }
    }

    /// Reads one id from the store. It allocates no list, and its future is much smaller than those
    /// below.
    pub(super) async fn read_one(self, lead: Lead<E>) {
        let (tier, collection) = (&self.tier, self.own());
        let (key, since) = (collection.key_of_id(&lead.id), tier.now());
        let found = match tier.settings.hard_timeout {
            None => collection.find(lead.id.clone(), &key).await,
            // Boxed, as it holds a timer beside the read.
            limit => {
                let find = async { collection.find(lead.id.clone(), &key).await };
                Box::pin(async { self.within(limit, &key, pin!(find)).await }).await
            }
        };
        match found {
            Ok(found) => self.land(lead, found, since),
            Err(error) => {
                self.store_failed(&error);
                lead.land(Fill::Failed(error.clone()), Err(error));
            }
        }
    }

    /// Reads several ids from the store.
    async fn read_many(self, leads: Vec<Lead<E>>) {
        let (tier, collection) = (&self.tier, self.own());
        let (since, keys) = (tier.now(), self.keys_of(&leads));
        let Some(first) = keys.first().cloned() else { return };
        let ids = leads.iter().map(|lead| lead.id.clone()).collect();
        let limit = tier.settings.hard_timeout;
        match self.within(limit, &first, pin!(collection.find_all(keys, ids))).await {
            Ok(found) => leads.into_iter().zip(found).for_each(|(lead, found)| match found {
                Ok(found) => self.land(lead, found, since),
                Err(error) => {
                    self.store_failed(&error);
                    lead.land(Fill::Failed(error.clone()), Err(error));
                }
            }),
            Err(error) => {
                self.store_failed(&error);
                all_failed(leads, &error);
            }
        }
    }

    /// Ends a read with what the store has.
    fn land(&self, lead: Lead<E>, found: Option<StoredEntity<E>>, since: Moment) {
        let (fill, value) = match found {
            Some(found) => {
                let (fill, value) = self.hit(found, since);
                (fill, Some(value))
            }
            None => {
                self.tier.counters.count(Count::StoreMiss);
                (Fill::Absent { since, for_origin: false }, None)
            }
        };
        lead.land(fill, Ok(Got { value, source: Source::Store }));
    }

    /// Returns what memory holds of an entity that the store had, and the entity.
    fn hit(&self, found: StoredEntity<E>, since: Moment) -> (Fill<E>, Arc<E>) {
        self.tier.counters.count(Count::StoreHit);
        let expiry = RecordExpiry::of(&found);
        let value = Arc::new(found.entity);
        (Fill::Present(self.tier.entry(&value, since, None, expiry)), value)
    }

    /// Asks the store, then the origin. All callers get the value before the store is filled.
    pub(super) async fn load(
        self,
        leads: Vec<Lead<E>>,
        origin: Origin<E>,
        when: When,
        report: Option<Report>,
    ) {
        let keys = self.keys_of(&leads);
        let Some(first) = keys.first() else { return };
        let mut deadline = Deadline { limit: self.tier.settings.hard_timeout, sleep: None };
        let loading = async { Ok(self.store_then_origin(&leads, &keys, origin, when).await) };
        let loaded = self.before(&mut deadline, first, pin!(loading)).await;
        match loaded {
            Ok(loaded) => {
                let filled = self.end_and_fill(leads, &keys, loaded, &mut deadline).await;
                if let (Some(report), Err(error)) = (report, filled) {
                    report.set(error);
                }
            }
            Err(error) => {
                self.origin_failed(&error);
                all_failed(leads, &error);
            }
        }
    }

    /// Returns the result of each load, and how to fill the store with it.
    async fn store_then_origin(
        &self,
        leads: &[Lead<E>],
        keys: &[Key],
        origin: Origin<E>,
        when: When,
    ) -> Vec<Result<LoadedEntity<E>>> {
        if matches!(when, When::Always) {
            for lead in leads {
                self.tier.after_fill(&lead.id).await;
            }
        }
        let since = self.tier.now();
        let mut loaded = Vec::with_capacity(leads.len());
        let mut lacking = Vec::new();
        for (index, (lead, stored)) in leads.iter().zip(self.stored(leads, keys).await).enumerate() {
            let (found, unchanged) = match stored {
                Ok(BeforeFill { found, unchanged }) => (found, Ok(unchanged)),
                Err(error) => (None, Err(error)),
            };
            let is_stored = found.is_some();
            let value = match found.filter(|found| !self.asks_on(when, found.expires_at)) {
                Some(found) => {
                    let (fill, value) = self.hit(found, since);
                    lead.settle(fill, |_| {});
                    Some(value)
                }
                None => {
                    if unchanged.is_ok() && !is_stored {
                        self.tier.counters.count(Count::StoreMiss);
                    }
                    lacking.push(Lacking { index, unchanged, is_stored });
                    None
                }
            };
            let got = Got { value, source: Source::Store };
            loaded.push(Ok(LoadedEntity { got, fill: StoreFill::Needless }));
        }
        if !lacking.is_empty() {
            self.ask_origin(lacking, leads, keys, origin, &mut loaded).await;
        }
        loaded
    }

    /// Reads the store for each id. A store that fails is a miss, and so is a record that cannot be
    /// read. These records are left untouched.
    async fn stored(&self, leads: &[Lead<E>], keys: &[Key]) -> Vec<Result<BeforeFill<E>>> {
        let ids = leads.iter().map(|lead| lead.id.clone()).collect();
        match self.own().before_fill(keys, ids).await {
            Ok(stored) => {
                stored.iter().filter_map(|one| one.as_ref().err()).for_each(|error| self.passed_over(error));
                stored
            }
            Err(error) => {
                self.passed_over(&error);
                leads.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Asks the origin once for all ids that the store lacks. If it fails, the loads of these ids
    /// fail, and no others.
    async fn ask_origin(
        &self,
        lacking: Vec<Lacking>,
        leads: &[Lead<E>],
        keys: &[Key],
        origin: Origin<E>,
        loaded: &mut [Result<LoadedEntity<E>>],
    ) {
        let lacking = self.with_leases(lacking).await;
        let ids: Vec<E::Id> = lacking.iter().map(|lacking| leads[lacking.index].id.clone()).collect();
        ids.iter().for_each(|_| self.tier.counters.count(Count::OriginLoad));
        let failed = |index: usize, retryable, source| {
            let error = Error::Load { at: self.own().at(&keys[index]), retryable, source };
            leads[index].settle(Fill::Failed(error.clone()), |_| {});
            error
        };
        match origin.load(ids).await {
            Ok(answers) => {
                for (Lacking { index, unchanged, is_stored }, answer) in lacking.into_iter().zip(answers) {
                    loaded[index] = answer
                        .map(|answer| {
                            let Loaded { value, memory_ttl, store_ttl } = answer;
                            leads[index].settle(self.given(value.as_ref(), memory_ttl), |_| {});
                            let fill = StoreFill::of(unchanged, value.is_some() || is_stored, store_ttl);
                            LoadedEntity { got: Got { value, source: Source::Origin }, fill }
                        })
                        .map_err(|mistake| failed(index, false, SharedError::new(mistake)))
                        .inspect_err(|error| self.origin_failed(error));
                }
            }
            Err(source) => {
                for (nth, Lacking { index, .. }) in lacking.into_iter().enumerate() {
                    let error = failed(index, true, source.clone());
                    if nth == 0 {
                        self.origin_failed(&error); // one call, and the first of its keys
                    }
                    loaded[index] = Err(error);
                }
            }
        }
    }

    /// Takes leases of the absent records before the origin is asked for them. If the store fails,
    /// it is not filled.
    async fn with_leases(&self, mut lacking: Vec<Lacking>) -> Vec<Lacking> {
        let filler = &self.behind.filler;
        if filler.fill.is_none() || filler.is_unseen {
            return lacking;
        }
        let mut all: Vec<_> = lacking.iter_mut().filter_map(|it| it.unchanged.as_mut().ok()).collect();
        let life = self.tier.settings.hard_timeout.unwrap_or(LEASE_LIFE);
        if let Err(error) = self.own().take_leases(&mut all, life).await {
            self.unleased(&error);
            let read = lacking.iter_mut().filter(|it| it.unchanged.is_ok());
            read.for_each(|it| it.unchanged = Err(error.clone()));
        }
        lacking
    }

    /// Wakes all callers with the results, then fills the store with all of them at once. Returns
    /// the first reason for which the store was not filled.
    async fn end_and_fill(
        &self,
        leads: Vec<Lead<E>>,
        keys: &[Key],
        loaded: Vec<Result<LoadedEntity<E>>>,
        deadline: &mut Deadline,
    ) -> Result<()> {
        let (mut fills, mut filled) = (FuturesUnordered::new(), Ok(()));
        for ((lead, key), loaded) in leads.into_iter().zip(keys).zip(loaded) {
            let outcome = loaded.map(|LoadedEntity { got, fill }| {
                match self.begin_fill(&lead, fill, key, got.value.clone()) {
                    Ok(filling) => fills.extend(filling),
                    Err(error) => filled = std::mem::replace(&mut filled, Ok(())).and(Err(error)),
                }
                got
            });
            lead.complete(outcome);
        }
        let Some(first) = keys.first().filter(|_| !fills.is_empty()) else { return filled };
        let all = async {
            while let Some(next) = fills.next().await {
                filled = std::mem::replace(&mut filled, Ok(())).and(next);
            }
            Ok(())
        };
        let in_time = self.before(deadline, first, pin!(all)).await;
        if let Err(error) = &in_time {
            (0..fills.len()).for_each(|_| self.fill_failed(error));
        }
        filled.and(in_time)
    }

    fn keys_of(&self, leads: &[Lead<E>]) -> Vec<Key> {
        leads.iter().map(|lead| self.own().key_of_id(&lead.id)).collect()
    }

    /// Returns whether the origin is asked although the store holds a record that expires at this
    /// moment.
    fn asks_on(&self, when: When, expires_at: Option<Timestamp>) -> bool {
        let settings = &self.tier.settings;
        match (when, expires_at, settings.refresh_at, settings.store_ttl) {
            (When::Always, ..) => true,
            (When::Ahead, Some(at), Some(share), Some(ttl)) => {
                at.saturating_since(self.own().info().clock().now()) < ttl.mul_f64(1.0 - share)
            }
            _ => false,
        }
    }

    /// Returns what memory holds of the origin's answer.
    fn given(&self, value: Option<&Arc<E>>, ttl: Option<Duration>) -> Fill<E> {
        match value {
            Some(value) => {
                let now = self.own().info().clock().now();
                let at = self.own().expires_at(value, now);
                let expiry = RecordExpiry { at, own: at };
                Fill::Present(self.tier.entry(value, self.tier.now(), ttl, expiry))
            }
            None => Fill::Absent { since: self.tier.now(), for_origin: true },
        }
    }
}

/// Ends all loads of a batch with this error.
fn all_failed<E: KvEntity>(leads: Vec<Lead<E>>, error: &Error) {
    for lead in leads {
        lead.land(Fill::Failed(error.clone()), Err(error.clone()));
    }
}
