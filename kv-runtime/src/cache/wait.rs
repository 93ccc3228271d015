//! Waiting no longer than a limit.

use std::time::Duration;

/// What the future gives, or nothing if the limit comes first.
pub(super) async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        None => Some(future.await),
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
    }
}
