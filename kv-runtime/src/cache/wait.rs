//! Waiting no longer than a limit.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use kv_store::key::Key;
use kv_store::store::Store;
use kv_store::{Error, Result, Sleep};

use super::Cached;
use crate::entity::KvEntity;

/// The deadline of a load with all its steps. It starts with the first step.
pub(super) struct Deadline {
    pub(super) limit: Option<Duration>,
    pub(super) sleep: Option<Sleep>,
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns the result of `work`, or [`Error::TimedOut`] if the limit comes first. The caller
    /// then drops the work.
    ///
    /// It takes a reference, because an `async fn` that awaits its argument in two places reserves
    /// room for three of it, and these calls nest.
    pub(super) async fn within<T>(
        &self,
        limit: Option<Duration>,
        key: &Key,
        work: Pin<&mut (impl Future<Output = Result<T>> + ?Sized)>,
    ) -> Result<T> {
        let Some(limit) = limit else { return work.await };
        match self.own().info().clock().timer().timeout(limit, work).await {
            Ok(Some(done)) => done,
            Ok(None) => Err(Error::TimedOut { at: self.own().at(key), limit }),
            Err(source) => Err(Error::NoTimer { at: self.own().at(key), source }),
        }
    }

    /// Returns the result of `work`, or [`Error::TimedOut`] if the deadline comes first. After that
    /// no further step begins.
    pub(super) async fn before<T>(
        &self,
        deadline: &mut Deadline,
        key: &Key,
        work: Pin<&mut (impl Future<Output = Result<T>> + ?Sized)>,
    ) -> Result<T> {
        let Some(limit) = deadline.limit else { return work.await };
        let sleep = match &mut deadline.sleep {
            Some(sleep) => sleep,
            none => match self.own().info().clock().timer().sleep(limit) {
                Ok(sleep) => none.insert(sleep),
                Err(source) => return Err(Error::NoTimer { at: self.own().at(key), source }),
            },
        };
        match select(work, sleep).await {
            Either::Left((done, _)) => done,
            Either::Right(((), _)) => Err(Error::TimedOut { at: self.own().at(key), limit }),
        }
    }
}
