//! Waiting no longer than a limit.

use std::pin::Pin;
use std::time::Duration;

use super::Cached;
use crate::entity::KvEntity;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::Store;

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// What `work` gives, or [`Error::TimedOut`] if the limit comes first; then the caller drops the work.
    ///
    /// By reference, as an `async fn` that awaits what it is given in two places has room for three of it, and these calls nest.
    pub(super) async fn within<T>(
        &self,
        limit: Option<Duration>,
        key: &Key,
        work: Pin<&mut (impl Future<Output = Result<T>> + ?Sized)>,
    ) -> Result<T> {
        let Some(limit) = limit else { return work.await };
        match self.collection().store().clock().timer().timeout(limit, work).await {
            Ok(Some(done)) => done,
            Ok(None) => Err(Error::TimedOut { at: self.collection().at(key), limit }),
            Err(source) => Err(Error::NoTimer { at: self.collection().at(key), source }),
        }
    }
}
