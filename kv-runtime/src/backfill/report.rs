//! What a backfill did.

use std::fmt;

use kv_store::store::Cursor;
use kv_store::{Error, Location};

/// How many failures a report keeps with key and reason; all are counted.
pub(super) const KEPT_FAILURES: usize = 1_000;

/// The progress of a backfill, after each batch.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Records seen, of all groups; of a migration of keys, entities.
    pub seen: u64,
    /// Records brought to the version that is written, or entities that were moved; in a dry run,
    /// those that would be.
    pub migrated: u64,
    /// Records that could not be migrated, or entities that could not be moved.
    pub failed: u64,
    /// Where to go on if the run ends here; none at the end.
    pub cursor: Option<Cursor>,
}

/// What a backfill did. `Display` is a table, and begins with whether anything was written.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MigrationReport {
    /// Whether it was a dry run, which writes nothing.
    pub dry_run: bool,
    /// Records brought to the version that is written; in a dry run, those that would be.
    pub migrated: u64,
    /// Records that were of that version, or of a newer one that this program reads.
    pub current: u64,
    /// Entities with a record that only newer code can read.
    pub too_new: u64,
    /// Records that others kept writing meanwhile; none in a dry run. They are left to reads, or to
    /// the next run.
    pub contended: u64,
    /// Entities that could not be migrated.
    pub failed: u64,
    /// The first 1,000 of them, with key and reason.
    pub failures: Vec<Failed>,
    /// Keys that are not keys of this entity.
    pub skipped: u64,
}

/// An entity that could not be migrated or moved, and stays as it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The key of its anchor, a secret id as a hash.
    pub key: String,
    /// Why.
    pub error: Error,
}

impl Failed {
    pub(super) fn new(error: Error) -> Self {
        let key = error.location().and_then(|at: &Location| at.key.clone()).unwrap_or_default();
        Self { key, error }
    }
}

impl MigrationReport {
    /// Records seen, of all groups.
    fn seen(&self) -> u64 {
        self.migrated + self.current + self.too_new + self.contended + self.failed
    }

    pub(super) fn progress(&self, cursor: Option<Cursor>) -> Progress {
        Progress { seen: self.seen(), migrated: self.migrated, failed: self.failed, cursor }
    }

    /// Adds what a part of the run came to.
    pub(super) fn add(&mut self, part: Self) {
        let Self { dry_run: _, migrated, current, too_new, contended, failed, failures, skipped } = part;
        self.migrated += migrated;
        self.current += current;
        self.too_new += too_new;
        self.contended += contended;
        self.failed += failed;
        self.skipped += skipped;
        let room = KEPT_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(failures.into_iter().take(room));
    }

    pub(super) fn fail(&mut self, error: Error) {
        if matches!(error, Error::TooNew { .. }) {
            self.too_new += 1;
            return;
        }
        self.failed += 1;
        if self.failures.len() < KEPT_FAILURES {
            self.failures.push(Failed::new(error));
        }
    }
}

impl fmt::Display for MigrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run =
            if self.dry_run { "dry run: nothing was written" } else { "run: migrated records were written" };
        writeln!(f, "{run}")?;
        let rows = [
            ("migrated", self.migrated),
            ("current", self.current),
            ("too new", self.too_new),
            ("contended", self.contended),
            ("failed", self.failed),
            ("other keys", self.skipped),
        ];
        write_rows(f, &rows)?;
        write_failures(f, &self.failures)
    }
}

/// Writes the rows of a report's table.
pub(super) fn write_rows(f: &mut fmt::Formatter<'_>, rows: &[(&str, u64)]) -> fmt::Result {
    rows.iter().try_for_each(|(name, count)| writeln!(f, "{name:<12} {count:>10}"))
}

/// Writes each failure with its causes.
pub(super) fn write_failures(f: &mut fmt::Formatter<'_>, failures: &[Failed]) -> fmt::Result {
    for Failed { key, error } in failures {
        write!(f, "  {key}: {error}")?;
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        writeln!(f)?;
    }
    Ok(())
}
