//! What was done to the indexes of a collection.

use kv_store::Error;

/// How many errors a report keeps; all are counted.
const KEPT: usize = 1_000;

/// What [`build_indexes`](crate::Collection::build_indexes),
/// [`check_indexes`](crate::Collection::check_indexes) or
/// [`sweep_indexes`](crate::Collection::sweep_indexes) found and did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IndexReport {
    /// Entities that were looked at.
    pub entities: u64,
    /// Entries and claims that were missing and have been added. A build counts all that it writes.
    pub added: u64,
    /// Entries and claims that led to no entity with the value, and have been removed.
    pub removed: u64,
    /// Values of unique indexes that another entity has, too.
    pub violations: u64,
    /// Entities that could not be read.
    pub unreadable: u64,
    /// Entities that others kept writing meanwhile: run it again.
    pub contended: u64,
    /// The first 1,000 errors: [`Error::NotUnique`] for each violation, and those of entities that
    /// could not be read.
    pub errors: Vec<Error>,
    /// Whether all indexes are ready.
    pub is_ready: bool,
}

impl IndexReport {
    pub(super) fn violation(&mut self, error: Error) {
        self.violations += 1;
        self.keep(error);
    }

    pub(super) fn unreadable(&mut self, error: Error) {
        self.unreadable += 1;
        self.keep(error);
    }

    /// Adds what was done to a part of the entities.
    pub(super) fn add(&mut self, part: Self) {
        let Self { entities, added, removed, violations, unreadable, contended, errors, is_ready: _ } = part;
        self.entities += entities;
        self.added += added;
        self.removed += removed;
        self.violations += violations;
        self.unreadable += unreadable;
        self.contended += contended;
        errors.into_iter().for_each(|error| self.keep(error));
    }

    fn keep(&mut self, error: Error) {
        if self.errors.len() < KEPT {
            self.errors.push(error);
        }
    }
}
