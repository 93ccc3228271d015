//! The future of a change that may fail with the caller's own error.
//!
//! The error's type must hold the library's own errors, too. The future asks for that, and not the
//! call: the compiler repeats a call's bound for the call, its result and the `.await`, and one
//! mistake would be three errors.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use kv_store::{ChangeError, Error};

/// The future of a change that may fail with the caller's own error, such as
/// [`Collection::try_update`](crate::Collection::try_update).
#[must_use = "a change does nothing unless it is awaited"]
pub struct Changing<F> {
    change: Pin<Box<F>>,
}

/// Why an entity was not changed.
#[derive(Debug)]
pub enum NotChanged<X> {
    /// The call failed.
    Failed(Error),
    /// The closure refused the change.
    Refused(X),
}

impl<F> Changing<F> {
    pub(crate) fn new(change: F) -> Self {
        Self { change: Box::pin(change) }
    }
}

impl<F, T, X> Future for Changing<F>
where
    F: Future<Output = Result<T, NotChanged<X>>>,
    X: ChangeError,
{
    type Output = Result<T, X>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, X>> {
        self.change.as_mut().poll(context).map_err(|error| match error {
            NotChanged::Failed(error) => error.into(),
            NotChanged::Refused(error) => error,
        })
    }
}

impl<F> fmt::Debug for Changing<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changing").finish_non_exhaustive()
    }
}

impl<X> From<Error> for NotChanged<X> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
