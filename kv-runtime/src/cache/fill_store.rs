//! How a load fills the store with what the origin gave.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kv_store::__private::causes;
use kv_store::key::Key;
use kv_store::store::{Commit, Condition, Store};
use kv_store::{Error, Result};

use super::Cached;
use super::fill::Filling;
use super::lead::Lead;
use super::stats::Count;
use crate::entity::KvEntity;

/// How long a lease lasts if no `hard_timeout` says how long a load may take.
pub(super) const LEASE_LIFE: Duration = Duration::from_secs(60);

/// What a load has to do with the store.
pub(super) enum StoreFill {
    /// Nothing: the store holds the right record.
    Needless,
    /// Fill the store with the origin's answer, on these conditions.
    Wanted { unchanged: Vec<Condition>, ttl: Option<Duration> },
    /// The store could not be read, so its record is left alone.
    Unread(Error),
}

/// A slot for the reason why a load did not fill the store.
#[derive(Clone, Default)]
pub(super) struct Report(Arc<Mutex<Option<Error>>>);

impl Report {
    pub(super) fn set(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl StoreFill {
    /// `differs`: whether the store does not hold the origin's answer yet.
    pub(super) fn of(unchanged: Result<Vec<Condition>>, differs: bool, ttl: Option<Duration>) -> Self {
        match unchanged {
            Ok(unchanged) if differs => Self::Wanted { unchanged, ttl },
            Ok(_) => Self::Needless,
            Err(error) => Self::Unread(error),
        }
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    pub(super) fn unleased(&self, error: &Error) {
        self.tier.counters.count(Count::StoreError);
        tracing::warn!(%error, cause = causes(error), "the store returned no lease and is not filled");
    }

    /// Begins a fill, if there is anything to fill, and returns its future. It fails if the load has
    /// no right to fill the store.
    pub(super) fn begin_fill(
        &self,
        lead: &Lead<E>,
        fill: StoreFill,
        key: &Key,
        entity: Option<Arc<E>>,
    ) -> Result<Option<impl Future<Output = Result<()>> + use<E, S>>> {
        let (unchanged, ttl) = match fill {
            StoreFill::Wanted { unchanged, ttl } => (unchanged, ttl),
            StoreFill::Unread(error) => return Err(error),
            StoreFill::Needless => return Ok(None),
        };
        let Some(filler) = self.behind.filler.fill else { return Ok(None) };
        // No write has to wait for a fill that fails after any write.
        let is_voided = !self.behind.filler.is_unseen && unchanged.iter().all(Condition::sees_any_write);
        // A write of this process may have met the load.
        let Some(turn) = lead.begin_fill(!is_voided) else { return Err(self.fill_lost(key)) };
        let (cache, key) = (self.clone(), key.clone());
        Ok(Some(async move {
            let ttl = ttl.or(cache.tier.settings.store_ttl).map(|ttl| cache.store_ttl(ttl));
            let filling = Filling { key: &key, unchanged, entity: entity.as_deref(), ttl };
            let done = filler(cache.own(), filling).await;
            turn.end(&done);
            match done {
                Ok(Commit::Done) => {
                    cache.tier.counters.count(Count::Filled);
                    Ok(())
                }
                Ok(Commit::Conflict(_)) => {
                    cache.tier.counters.count(Count::FillLost);
                    Err(cache.fill_lost(&key))
                }
                Err(error) => {
                    cache.fill_failed(&error);
                    Err(error)
                }
            }
        }))
    }

    fn fill_lost(&self, key: &Key) -> Error {
        Error::Conflict { at: self.own().at(key), attempts: 1, why: None }
    }

    pub(super) fn fill_failed(&self, error: &Error) {
        self.tier.counters.count(Count::FillFailed);
        tracing::warn!(%error, cause = causes(error), "the origin's answer was not written to the store");
    }

    /// Returns a TTL with jitter, but not below the store's minimum.
    fn store_ttl(&self, ttl: Duration) -> Duration {
        let least = self.own().info().capabilities().limits.least_ttl.unwrap_or_default();
        self.tier.settings.jittered(ttl).max(least.min(ttl))
    }
}
