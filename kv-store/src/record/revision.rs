//! The token of "unchanged since I read it".

use std::fmt;

use bytes::Bytes;

/// A store's token for one state of a record.
///
/// It is 64 random bits that are drawn at each write, and never repeats, also if the record is
/// deleted and created again. For a value without envelope it is the value itself, so it is the same
/// again when the value is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revision(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Token(u64),
    Plain(Bytes),
}

impl Revision {
    /// Draws a new token.
    #[must_use]
    pub fn random() -> Self {
        Self::from_token(crate::random::token())
    }

    /// Returns the revision that a store keeps as this number.
    #[must_use]
    pub const fn from_token(token: u64) -> Self {
        Self(Repr::Token(token))
    }

    /// Returns the revision of a value without envelope: the value itself.
    #[must_use]
    pub const fn from_plain(value: Bytes) -> Self {
        Self(Repr::Plain(value))
    }

    /// Returns the number, if the revision is one.
    #[must_use]
    pub const fn token(&self) -> Option<u64> {
        match &self.0 {
            Repr::Token(token) => Some(*token),
            Repr::Plain(_) => None,
        }
    }

    /// Returns the value, if that is the revision.
    #[must_use]
    pub const fn plain(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Token(_) => None,
            Repr::Plain(value) => Some(value),
        }
    }
}

/// Shows no value.
impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Token(token) => write!(f, "Revision({token:016x})"),
            Repr::Plain(value) => write!(f, "Revision(plain, {} bytes)", value.len()),
        }
    }
}
