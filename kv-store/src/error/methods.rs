//! What an error says about a further attempt, and how the error of an engine is made.

use super::cause::SharedError;
use super::location::Location;
use super::variants::Error;
use crate::maybe_send::{MaybeSend, MaybeSync};

impl Error {
    /// Makes the error of a failed engine: what it was doing, with which record, and whether a
    /// retry can help. [`because`](Self::because) adds the reason.
    pub fn store<E>(at: Box<Location>, action: &'static str, retryable: bool, source: E) -> Self
    where
        E: std::error::Error + MaybeSend + MaybeSync + 'static,
    {
        Self::Store { at, action, why: None, retryable, source: SharedError::new(source) }
    }

    /// Adds the reason of an engine's failure and what to do. Leaves other errors unchanged.
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        if let Self::Store { why, .. } = &mut self {
            *why = Some(reason);
        }
        self
    }

    /// Returns whether the same call may succeed later without any change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::ExpiryUnknown { .. } | Self::TimedOut { .. } => true,
            Self::Load { retryable, .. } | Self::Store { retryable, .. } => *retryable,
            Self::Partial { unknown, source, .. } => unknown.is_empty() && source.is_retryable(),
            _ => false,
        }
    }

    /// Returns whether it is unknown if the write, or a part of it, took place.
    #[doc(hidden)]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => true,
            Self::Partial { unknown, source, .. } => !unknown.is_empty() || source.is_unknown(),
            _ => false,
        }
    }

    /// Returns whether the error is about one record, so that the rest of its batch can be read.
    #[doc(hidden)]
    pub fn is_of_a_record(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::UnknownCodec { .. })
    }

    /// Returns whether the error is about one of the records that were to be read, or about its key,
    /// so that the others can be read.
    #[doc(hidden)]
    pub fn is_of_a_read(&self) -> bool {
        self.is_of_a_record() || matches!(self, Self::InvalidOptions { at, .. } if at.key.is_some())
    }

    /// Returns whether the error is about what one entity has, so that others can be read or written.
    #[doc(hidden)]
    pub fn is_of_an_entity(&self) -> bool {
        self.is_of_a_record()
            || matches!(
                self,
                Self::NotUnique { .. }
                    | Self::Decode { .. }
                    | Self::Encode { .. }
                    | Self::TooNew { .. }
                    | Self::TooOld { .. }
                    | Self::Incomplete { .. }
                    | Self::MigrationFailed { .. }
            )
    }
}
