//! An answer with its origin: what the forms that tell more than a value give.

use kv_store::Error;

/// A value, its source, and the error if there was one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The source of the value.
    pub source: Source,
    /// The error because of which an older or a default value was returned: [`Source::Stale`] or
    /// [`Source::Fallback`].
    pub error: Option<Error>,
}

/// The source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The memory of a cache, within its TTL.
    Memory,
    /// The store.
    Store,
    /// The origin behind a cache.
    Origin,
    /// The memory of a cache, after its TTL: the store or the origin failed or was slow.
    Stale,
    /// The caller's fallback: there was no entity, or it could not be read.
    Fallback,
}

impl Source {
    /// The name in lower case, as `tracing` events show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Store => "store",
            Self::Origin => "origin",
            Self::Stale => "stale",
            Self::Fallback => "fallback",
        }
    }
}

impl<T> Sourced<T> {
    /// Returns a value from its regular source.
    pub(crate) fn new(value: T, source: Source) -> Self {
        Self { value, source, error: None }
    }

    /// Returns a stale or fallback value, and the reason.
    pub(crate) fn instead(value: T, source: Source, error: Option<Error>) -> Self {
        Self { value, source, error }
    }
}
