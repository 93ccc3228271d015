//! The load of one id: the store, then the origin if there is one.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::store::{Store, StoreExt};
use kv_store::{BoxFuture, Error, Result, SharedError, Timestamp};
use tracing::{Instrument, Span};

use super::Cached;
use super::answer::{Ask, Beyond, When};
use super::fill_store::{Report, StoreFill};
use super::lead::Lead;
use super::origin::{Origin, OtherId};
use super::stats::Count;
use super::tier::{Fill, Got, RecordExpiry};
use super::wait::Deadline;
use crate::collection::BeforeFill;
use crate::entity::KvEntity;
use crate::sourced::Source;

/// The result of a load, and how to fill the store with it.
pub(super) struct LoadedEntity<E> {
    pub(super) got: Got<E>,
    pub(super) fill: StoreFill,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// The future of a load, which wakes all callers that wait for it. Reads use another future,
    /// because that of a load is much larger.
    pub(super) fn flight(&self, lead: Lead<E>, ask: Ask<E, S>, span: Span) -> BoxFuture<'static, ()> {
        let cache = self.clone();
        match ask.origin {
            None => Box::pin(cache.read_store(lead).instrument(span)),
            Some(Beyond { origin, load }) => load(cache, lead, origin, ask.when, ask.report, span),
        }
    }

    /// The future of a load that asks an origin.
    pub(super) fn load_boxed(
        self,
        lead: Lead<E>,
        origin: Origin<E>,
        when: When,
        report: Option<Report>,
        span: Span,
    ) -> BoxFuture<'static, ()> {
        Box::pin(self.load_one(lead, origin, when, report).instrument(span))
    }

    pub(super) async fn read_store(self, lead: Lead<E>) {
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
            Ok(Some(found)) => {
                tier.counters.count(Count::StoreHit);
                let expiry = RecordExpiry::of(&found);
                let value = Arc::new(found.entity);
                let fill = Fill::Present(tier.entry(&value, since, None, expiry));
                lead.land(fill, Ok(Got { value: Some(value), source: Source::Store }));
            }
            Ok(None) => {
                tier.counters.count(Count::StoreMiss);
                let fill = Fill::Absent { since, for_origin: false };
                lead.land(fill, Ok(Got { value: None, source: Source::Store }));
            }
            Err(error) => {
                self.store_failed(&error);
                lead.land(Fill::Failed(error.clone()), Err(error));
            }
        }
    }

    /// Asks the store, then the origin, and fills both tiers on the way back. All callers get the
    /// value before the store is filled.
    async fn load_one(self, lead: Lead<E>, origin: Origin<E>, when: When, report: Option<Report>) {
        let key = self.own().key_of_id(&lead.id);
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
        let (tier, collection) = (&self.tier, self.own());
        if when == When::Always {
            tier.after_fill(&lead.id).await;
        }
        let since = tier.now();
        let standing = match collection.standing(lead.id.clone(), key).await {
            Ok(standing) => Ok(standing),
            // A store that fails is a miss. Its record is left untouched.
            Err(error) => {
                self.passed_over(&error);
                Err(error)
            }
        };
        let (found, unchanged) = match standing {
            Ok(BeforeFill { found, unchanged }) => (found, Ok(unchanged)),
            Err(error) => (None, Err(error)),
        };
        let stood = found.is_some();
        if let Some(found) = found.filter(|found| !self.asks_on(when, found.expires_at)) {
            tier.counters.count(Count::StoreHit);
            let expiry = RecordExpiry::of(&found);
            let value = Arc::new(found.entity);
            lead.settle(Fill::Present(tier.entry(&value, since, None, expiry)));
            return Ok(LoadedEntity {
                got: Got { value: Some(value), source: Source::Store },
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
        Ok(LoadedEntity { got: Got { value, source: Source::Origin }, fill })
    }

    /// Returns whether the origin is asked although the store holds a record that expires at this
    /// moment.
    pub(super) fn asks_on(&self, when: When, expires_at: Option<Timestamp>) -> bool {
        let settings = &self.tier.settings;
        match (when, expires_at, settings.refresh_at, settings.store_ttl) {
            (When::Always, ..) => true,
            (When::Ahead, Some(at), Some(share), Some(ttl)) => {
                at.saturating_since(self.own().store().clock().now()) < ttl.mul_f64(1.0 - share)
            }
            _ => false,
        }
    }

    /// Returns what memory holds of the origin's answer.
    pub(super) fn given(&self, value: Option<&Arc<E>>, ttl: Option<Duration>) -> Fill<E> {
        match value {
            Some(value) => {
                let now = self.own().store().clock().now();
                let expiry = RecordExpiry::own(self.own().expires_at(value, now));
                Fill::Present(self.tier.entry(value, self.tier.now(), ttl, expiry))
            }
            None => Fill::Absent { since: self.tier.now(), for_origin: true },
        }
    }
}
