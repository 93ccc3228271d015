//! What a lookup of a unique value reads.

use std::fmt;

use crate::key::Key;
use crate::record::Record;

/// A claim to read: the record under a unique value, which names the entity that has the value.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClaimQuery {
    /// The key of the claim. Its value is a JSON text.
    pub claim: Key,
    /// The key of a record to read, too.
    pub also: Key,
    /// What the keys of the entity's records have before the text of the claim.
    pub before: String,
    /// What these keys have behind it, one for each record: nothing, or `:` and the name of a group.
    pub behind: Vec<String>,
}

impl ClaimQuery {
    /// Returns a query for a claim and a further record.
    #[must_use]
    pub const fn new(claim: Key, also: Key) -> Self {
        Self { claim, also, before: String::new(), behind: Vec::new() }
    }

    /// Also asks for the records of the entity, by the names of its groups.
    #[must_use]
    pub fn with_groups<'a>(mut self, groups: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let behind = |group: Option<&str>| group.map(|group| format!(":{group}")).unwrap_or_default();
        self.behind = groups.into_iter().map(behind).collect();
        self
    }

    /// Returns the query whose keys are longer by `prefix`, for a wrapper that makes keys longer.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        Self {
            claim: self.claim.within(prefix),
            also: self.also.within(prefix),
            before: format!("{prefix}{}", self.before),
            behind: self.behind.clone(),
        }
    }
}

/// Shows none of the values.
impl fmt::Debug for ClaimQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimQuery").field("also", &self.also).finish_non_exhaustive()
    }
}

/// A claim, and what was read with it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// The claim, if there is one.
    pub claim: Option<Record>,
    /// The record that [`ClaimQuery::also`] asks for, if there is one.
    pub also: Option<Record>,
    /// One answer for each of [`ClaimQuery::behind`], if the store has read them.
    pub records: Option<Vec<Option<Record>>>,
}

impl Claimed {
    /// Returns a claim and a further record, as far as there are any.
    #[must_use]
    pub const fn new(claim: Option<Record>, also: Option<Record>) -> Self {
        Self { claim, also, records: None }
    }

    /// Adds the records of the entity that the claim names.
    #[must_use]
    pub fn with_records(mut self, records: Vec<Option<Record>>) -> Self {
        self.records = Some(records);
        self
    }
}
