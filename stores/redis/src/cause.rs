//! The cause of an error of the `redis` crate.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use redis::RedisError;

/// The system's error, if that is the cause. The `redis` crate keeps it in an `Arc`.
pub(super) fn io_error(error: &RedisError) -> Option<&io::Error> {
    error.source()?.downcast_ref::<Arc<dyn StdError + Send + Sync>>()?.downcast_ref()
}
