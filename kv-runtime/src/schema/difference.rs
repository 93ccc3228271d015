//! A difference between a schema and what was released.

use std::fmt;

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Not in the lock yet; nothing that was released has changed.
    New,
    /// What is stored stays readable both ways, but something else changes for its users: a TTL,
    /// say. Recording it confirms it.
    Policy,
    /// The shape of a released version has changed so that older code reads what newer code writes.
    /// It takes a new version.
    Additive,
    /// Records that were written under a released version, or code that reads them, do not fit the
    /// schema any more.
    Breaking,
}

impl Effect {
    /// Whether the lock can take it as it is.
    pub(super) fn is_acceptable(self) -> bool {
        matches!(self, Self::New | Self::Policy)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Policy => "to be confirmed",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        })
    }
}

/// Something in which a schema and its lock differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The entity's name, today's if it has one.
    pub entity: String,
    /// The group, where one group alone is concerned; without a name it is `""`.
    pub group: Option<String>,
    /// What it means.
    pub effect: Effect,
    /// What was released, and what is today.
    pub what: String,
    /// How to resolve it.
    pub mend: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    -> {}", self.effect, self.what, self.mend)
    }
}
