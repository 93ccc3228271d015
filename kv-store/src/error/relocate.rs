//! The location of an error: how to read it, and how a layer that knows more than the store below
//! it completes it.

use super::location::Location;
use super::variants::Error;

/// The variants that have a location, listed once for reading and for writing.
macro_rules! location_of {
    ($error:expr, $at:ident => $use:expr) => {
        match $error {
            Error::NotFound { at: $at }
            | Error::AlreadyExists { at: $at }
            | Error::NotUnique { at: $at, .. }
            | Error::IndexNotReady { at: $at, .. }
            | Error::IndexAcrossShards { at: $at, .. }
            | Error::Conflict { at: $at, .. }
            | Error::NotRead { at: $at }
            | Error::TransactionTooLarge { at: $at, .. }
            | Error::NotTogether { at: $at, .. }
            | Error::IdChanged { at: $at, .. }
            | Error::Incomplete { at: $at, .. }
            | Error::TooNew { at: $at, .. }
            | Error::TooOld { at: $at, .. }
            | Error::MigrationFailed { at: $at, .. }
            | Error::Decode { at: $at, .. }
            | Error::Encode { at: $at, .. }
            | Error::Malformed { at: $at, .. }
            | Error::UnknownCodec { at: $at, .. }
            | Error::KeyTooLong { at: $at, .. }
            | Error::ValueTooLong { at: $at, .. }
            | Error::MetadataTooLong { at: $at, .. }
            | Error::TtlTooShort { at: $at, .. }
            | Error::ExpiryUnknown { at: $at }
            | Error::InvalidCursor { at: $at }
            | Error::Partial { at: $at, .. }
            | Error::OutcomeUnknown { at: $at, .. }
            | Error::Unsupported { at: $at, .. }
            | Error::NoTimer { at: $at, .. }
            | Error::Store { at: $at, .. }
            | Error::Load { at: $at, .. }
            | Error::TimedOut { at: $at, .. }
            | Error::InvalidOptions { at: $at, .. } => Some($use),
            Error::AlreadyOpen { .. } | Error::InvalidUrl { .. } | Error::ForeignFile { .. } => None,
        }
    };
}

impl Error {
    /// Returns the location, or `None` for an error about a file or a URL.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        location_of!(self, at => at)
    }

    /// Names the entity, which the store below does not know.
    #[doc(hidden)]
    pub fn of_entity(mut self, entity: &'static str) -> Self {
        let at: Option<&mut Box<Location>> = location_of!(&mut self, at => at);
        if let Some(at) = at {
            at.entity.get_or_insert(entity);
        }
        self
    }

    /// Changes the location, also in the cause of a partial failure.
    #[doc(hidden)]
    pub fn map_location(mut self, change: &dyn Fn(&mut Location)) -> Self {
        if let Some(at) = location_of!(&mut self, at => at) {
            change(at);
        }
        match self {
            Self::Partial { at, written, also, unknown, source } => {
                Self::Partial { at, written, also, unknown, source: Box::new(source.map_location(change)) }
            }
            Self::NotTogether { at, other, scope } => {
                let mut beside = Location { key: Some(other), ..(*at).clone() };
                change(&mut beside);
                Self::NotTogether { at, other: beside.key.unwrap_or_default(), scope }
            }
            other => other,
        }
    }

    /// Replaces the location, where the store below knew less about it.
    #[doc(hidden)]
    pub fn with_location(mut self, location: Box<Location>) -> Self {
        if let Some(at) = location_of!(&mut self, at => at) {
            *at = location;
        }
        self
    }
}
