//! Waiting no longer than a limit.

use std::time::Duration;

use super::Cached;
use crate::entity::KvEntity;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::Store;

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// What `work` gives, or [`Error::TimedOut`] if the limit comes first; then the work is dropped.
    pub(super) async fn within<T>(
        &self,
        limit: Option<Duration>,
        key: &Key,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(limit) = limit else { return work.await };
        match self.collection().store().clock().timer().timeout(limit, work).await {
            Ok(Some(done)) => done,
            Ok(None) => Err(Error::TimedOut { at: self.collection().at(key), limit }),
            Err(source) => Err(Error::NoTimer { at: self.collection().at(key), source }),
        }
    }
}
