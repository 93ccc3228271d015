//! Catches the panics of steps and of defaults.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kv_store::BoxError;

/// Runs the application's code: a panic in it is that record's error, and not the end of the process.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| Err(Panicked::from(panic).into()))
}

/// What a panic said. Its words are the application's own and may quote a value, so only a fixed text is shown.
#[derive(Debug, thiserror::Error)]
#[error("it panicked")]
struct Panicked;

impl From<Box<dyn Any + Send>> for Panicked {
    fn from(_: Box<dyn Any + Send>) -> Self {
        Self
    }
}
