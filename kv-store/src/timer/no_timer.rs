//! The error of a wait without a timer.

/// A call has to wait, and there is no timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("waiting needs a timer: set one on the store's clock (`Clock::with_timer`)")]
pub struct NoTimer;
