//! What a migration of keys did.

use std::fmt;

use kv_store::Error;
use kv_store::store::Cursor;

use super::super::report::{Failed, KEPT_FAILURES, Progress, write_failures, write_rows};

/// What a migration of keys did. `Display` is a table, and begins with whether anything was written.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct KeyMigrationReport {
    /// Whether it was a dry run, which writes nothing.
    pub dry_run: bool,
    /// Entities that are under their new keys, and no longer under their old ones; in a dry run, those
    /// that would be.
    pub moved: u64,
    /// Entities that stay where they are: their new key is their old one, or they have no new id.
    pub in_place: u64,
    /// Entities that expired or were deleted meanwhile.
    pub gone: u64,
    /// Entities that others kept writing meanwhile. They are left to the next run.
    pub contended: u64,
    /// Entities under whose new keys there is another entity. Both stay as they are.
    pub occupied: u64,
    /// Entities that could not be moved for another reason, and stay as they are.
    pub failed: u64,
    /// The first 1,000 of those that are occupied or failed, with key and reason.
    pub failures: Vec<Failed>,
    /// Keys under the old prefix that are not keys of the old entity.
    pub skipped: u64,
}

/// How the move of one entity ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Moved,
    Gone,
    Contended,
    /// An [`Error::AlreadyExists`] says it of the new key.
    Failed(Error),
}

impl KeyMigrationReport {
    pub(super) fn progress(&self, cursor: Option<Cursor>) -> Progress {
        let failed = self.occupied + self.failed;
        let seen = self.moved + self.in_place + self.gone + self.contended + failed;
        Progress { seen, migrated: self.moved, failed, cursor }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Moved => self.moved += 1,
            Outcome::Gone => self.gone += 1,
            Outcome::Contended => self.contended += 1,
            Outcome::Failed(error) => {
                match error {
                    Error::AlreadyExists { .. } => self.occupied += 1,
                    _ => self.failed += 1,
                }
                if self.failures.len() < KEPT_FAILURES {
                    self.failures.push(Failed::new(error));
                }
            }
        }
    }
}

impl fmt::Display for KeyMigrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = if self.dry_run { "dry run: nothing was written" } else { "run: entities were moved" };
        writeln!(f, "{run}")?;
        let rows = [
            ("moved", self.moved),
            ("in place", self.in_place),
            ("gone", self.gone),
            ("contended", self.contended),
            ("occupied", self.occupied),
            ("failed", self.failed),
            ("other keys", self.skipped),
        ];
        write_rows(f, &rows)?;
        write_failures(f, &self.failures)
    }
}
