//! The causes of errors: of any type, and shared where an error is cloned.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::maybe_send::{MaybeSend, MaybeSync};

/// A cause of any type.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A cause of any type.
#[cfg(target_arch = "wasm32")]
pub type BoxError = Box<dyn std::error::Error>;

#[cfg(not(target_arch = "wasm32"))]
type DynError = dyn std::error::Error + Send + Sync;
#[cfg(target_arch = "wasm32")]
type DynError = dyn std::error::Error;

/// A cause that several errors share, so that [`Error`](enum@crate::Error) is cheap to clone. It
/// derefs to the error that it holds.
#[derive(Clone)]
pub struct SharedError(Arc<DynError>);

impl SharedError {
    /// Shares an error.
    pub fn new<E>(error: E) -> Self
    where
        E: std::error::Error + MaybeSend + MaybeSync + 'static,
    {
        Self(Arc::new(error))
    }
}

impl Deref for SharedError {
    type Target = DynError;

    fn deref(&self) -> &DynError {
        &*self.0
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

impl From<BoxError> for SharedError {
    fn from(error: BoxError) -> Self {
        Self(Arc::from(error))
    }
}

impl<E> From<Box<E>> for SharedError
where
    E: std::error::Error + MaybeSend + MaybeSync + 'static,
{
    fn from(error: Box<E>) -> Self {
        Self::new(*error)
    }
}
