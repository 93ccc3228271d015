//! The tokio runtime on which a load began. Its timers and sockets may need it.

#[cfg(not(target_arch = "wasm32"))]
use tokio::runtime::{EnterGuard, Handle};

/// The tokio runtime on which a load began, if any.
#[cfg(not(target_arch = "wasm32"))]
pub(super) struct Runtime(Option<Handle>);

#[cfg(not(target_arch = "wasm32"))]
impl Runtime {
    pub(super) fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Enters that runtime, for a poll from elsewhere.
    pub(super) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Handle::enter)
    }
}

#[cfg(target_arch = "wasm32")]
pub(super) struct Runtime;

#[cfg(target_arch = "wasm32")]
impl Runtime {
    pub(super) const fn here() -> Self {
        Self
    }

    pub(super) const fn enter(&self) -> Option<()> {
        None
    }
}
