//! An answer with its origin: what the forms that tell more than a value give.

use crate::error::Error;

/// A value, where it came from, and what went wrong on the way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub whence: Whence,
    /// What went wrong, so that a worse answer was given: [`Whence::Stale`] or [`Whence::Fallback`].
    pub error: Option<Error>,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Whence {
    /// The memory of a cache, and fresh there.
    Memory,
    /// The store.
    Store,
    /// The origin behind a cache.
    Origin,
    /// The memory of a cache, where it is older than its TTL: what is behind failed or was slow.
    Stale,
    /// What the caller gave, because there was nothing, or nothing could be read.
    Fallback,
}

impl Whence {
    /// In lower case, as the events of `tracing` have it.
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

impl<T> Served<T> {
    /// A value from where it should come.
    pub(crate) fn new(value: T, whence: Whence) -> Self {
        Self { value, whence, error: None }
    }

    /// A worse value, and why there is no better one.
    pub(crate) fn instead(value: T, whence: Whence, error: Option<Error>) -> Self {
        Self { value, whence, error }
    }
}
