//! What `kv-schema.lock` contains: every shape that was released, one entry for each entity, group
//! and version.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::describe::{GroupShape, IdShape, pretty};
use super::shape::is_false;

/// The format that is written and read.
pub(super) const FORMAT: u32 = 1;

/// Every shape that was released. `Display` is the text of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lock {
    pub(super) format: u32,
    /// The releases, by entity, prefix, group and version.
    pub releases: Vec<Release>,
}

/// The shape of one version of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Release {
    /// The struct's name.
    pub entity: String,
    /// The prefix of every key.
    pub prefix: String,
    /// The id's fields, in their order.
    pub ids: Vec<IdShape>,
    /// Whether the entity or the group is no longer in the schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retired: bool,
    /// The version of the group that was released before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// A checksum of the rest, which detects edits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) digest: String,
    /// The group and the shape of its value.
    #[serde(flatten)]
    pub shape: GroupShape,
}

/// What a check may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockMode {
    /// Only compares.
    #[default]
    Check,
    /// Records new entries and confirmed changes, and changes no released shape.
    Update,
    /// Also records another shape of a released version: for versions that were never released.
    Overwrite,
}

impl Default for Lock {
    fn default() -> Self {
        Self { format: FORMAT, releases: Vec::new() }
    }
}

impl Release {
    /// `User.profile` in backquotes.
    pub(super) fn label(&self) -> String {
        match self.shape.segment() {
            "" => format!("`{}`", self.entity),
            segment => format!("`{}.{segment}`", self.entity),
        }
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pretty(self, f)?;
        f.write_str("\n")
    }
}
