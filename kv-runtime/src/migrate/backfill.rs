//! All records of a collection brought to the version that is written, batch by batch.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::Instrument;

use crate::clock::Stopwatch;
use crate::collection::{Collection, Replacement, span};
use crate::entity::KvEntity;
use crate::error::{Error, Location, Result};
use crate::key::{Key, KeyBuilder};
use crate::list::{
    raw::{self, Anchor},
    secret,
};
use crate::maybe_send::MaybeSend;
use crate::store::{AtomicStore, Commit, Condition, Cursor, Expect, Store, Write};

/// How many failures a report keeps with key and reason; all are counted.
const KEPT_FAILURES: usize = 1_000;

/// How often a record is read again that others write meanwhile.
const ATTEMPTS: usize = 8;

/// A backfill in the making: [`Collection::migrate_all`].
#[must_use = "a backfill does nothing until it is `run`"]
pub struct MigrateAll<E, S> {
    collection: Collection<E, S>,
    batch: usize,
    rate: Option<u32>,
    dry_run: bool,
    cursor: Option<Cursor>,
    /// In a mutex so that a closure need not be `Sync`; it is never locked.
    progress: Option<Mutex<Box<dyn Watch>>>,
}

trait Watch: MaybeSend {
    fn see(&mut self, progress: &Progress);
}

impl<F: FnMut(&Progress) + MaybeSend> Watch for F {
    fn see(&mut self, progress: &Progress) {
        self(progress);
    }
}

/// How far a backfill has come: told after each batch.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Records seen, of all groups.
    pub seen: u64,
    /// Records brought to the version that is written; in a dry run, those that would be.
    pub migrated: u64,
    /// Records that could not be migrated.
    pub failed: u64,
    /// Where to go on if the run ends here; none at the end.
    pub cursor: Option<Cursor>,
}

/// What a backfill did. `Display` is a table.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MigrationReport {
    /// Records brought to the version that is written; in a dry run, those that would be.
    pub migrated: u64,
    /// Records that were of that version, or of a newer one that this program reads.
    pub current: u64,
    /// Entities with a record that only newer code can read.
    pub too_new: u64,
    /// Records that others kept writing meanwhile; they are left to reads, or to the next run.
    pub contended: u64,
    /// Entities that could not be migrated.
    pub failed: u64,
    /// The first 1,000 of them, with key and reason.
    pub failures: Vec<Failed>,
    /// Keys that are not keys of this entity.
    pub skipped: u64,
}

/// An entity that could not be migrated, and stays as it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The key of its anchor, a secret id as a hash.
    pub key: String,
    /// Why.
    pub error: Error,
}

impl<E: KvEntity, S: AtomicStore> Collection<E, S> {
    /// Brings all records to the version that is written, and reports. It may be killed at any moment: each batch is committed by
    /// itself, on the condition that no record of it has changed, and a record that is current is not written again.
    ///
    /// A record that cannot be migrated is reported, stays as it is and ends nothing. Memory is that of one batch.
    pub fn migrate_all(&self) -> MigrateAll<E, S> {
        MigrateAll {
            collection: self.clone(),
            batch: 1_000,
            rate: None,
            dry_run: false,
            cursor: None,
            progress: None,
        }
    }
}

impl<E: KvEntity, S: AtomicStore> MigrateAll<E, S> {
    /// So many entities a batch, instead of 1,000.
    pub fn batch(mut self, entities: usize) -> Self {
        self.batch = entities.max(1);
        self
    }

    /// At most so many entities a second, on average. It waits by the timer of the store's clock ([`Timer`](crate::Timer)), so with the
    /// system's clock it needs a tokio runtime whose time is enabled; elsewhere the run ends with [`Error::NoTimer`] after a batch.
    pub fn rate(mut self, entities_per_second: u32) -> Self {
        self.rate = Some(entities_per_second.max(1));
        self
    }

    /// Migrates in memory and writes nothing.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// From where an earlier run was: [`Progress::cursor`].
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Tells `progress` after each batch.
    pub fn progress(mut self, progress: impl FnMut(&Progress) + MaybeSend + 'static) -> Self {
        self.progress = Some(Mutex::new(Box::new(progress)));
        self
    }

    /// Runs it. A failing store ends it with its error; what was committed stays.
    pub async fn run(self) -> Result<MigrationReport> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids()).finish_prefix();
        let span = span("migrate_all", E::SCHEMA.name(), self.collection.store().name(), &prefix);
        self.run_within(&prefix).instrument(span).await
    }

    async fn run_within(mut self, prefix: &Key) -> Result<MigrationReport> {
        let mut report = MigrationReport::default();
        let (watch, mut entities) = (Stopwatch::start(self.collection.store().clock()), 0_u64);
        let mut cursor = secret::stored(&self.collection, prefix, self.cursor.take())?;
        loop {
            let page = raw::page(&self.collection, prefix, cursor, self.batch).await?;
            cursor = page.cursor;
            report.skipped += page.skipped as u64;
            for error in page.failed {
                report.fail(error);
            }
            entities += page.anchors.len() as u64;
            self.migrate(page.anchors, &mut report).await?;
            let progress = Progress {
                seen: report.migrated + report.current + report.too_new + report.contended + report.failed,
                migrated: report.migrated,
                failed: report.failed,
                cursor: secret::shown(&self.collection, prefix, cursor.clone()),
            };
            if let Some(watch) = &mut self.progress {
                watch.get_mut().unwrap_or_else(PoisonError::into_inner).see(&progress);
            }
            if cursor.is_none() {
                return Ok(report);
            }
            if let Some(rate) = self.rate {
                let due = Duration::from_secs_f64(entities as f64 / f64::from(rate));
                self.wait(due.saturating_sub(watch.elapsed())).await?;
            }
        }
    }

    async fn wait(&self, duration: Duration) -> Result<()> {
        let store = self.collection.store();
        let sleep = store.clock().timer().sleep(duration).map_err(|source| {
            let at = Location::store(store.name());
            Error::NoTimer { at, source }.of_entity(E::SCHEMA.name())
        })?;
        sleep.await;
        Ok(())
    }

    async fn migrate(&self, anchors: Vec<Anchor<E::Id>>, report: &mut MigrationReport) -> Result<()> {
        let mut behind = Vec::new();
        for anchor in anchors {
            match self.replacements(&anchor) {
                Ok((replacements, current)) => {
                    report.current += current;
                    if !replacements.is_empty() {
                        behind.push((anchor, replacements));
                    }
                }
                Err(error) => report.fail(error),
            }
        }
        if self.dry_run {
            report.migrated += behind.iter().map(|(_, replacements)| replacements.len() as u64).sum::<u64>();
            return Ok(());
        }
        let store = self.collection.store();
        let batch = store.capabilities().limits.batch_write.max(1);
        while !behind.is_empty() {
            let (mut now, mut records) = (Vec::new(), 0);
            while let Some((anchor, replacements)) = behind.pop() {
                if !now.is_empty() && records + replacements.len() > batch {
                    behind.push((anchor, replacements));
                    break;
                }
                records += replacements.len();
                now.push((anchor, replacements));
            }
            if store.capabilities().atomic_batches
                && let Commit::Done = self.commit(now.iter().flat_map(|(_, it)| it)).await?
            {
                report.migrated += records as u64;
                continue;
            }
            // Somebody wrote one of them meanwhile, or the store takes one entity at a time.
            for (anchor, replacements) in now {
                self.migrate_one(anchor, replacements, report).await?;
            }
        }
        Ok(())
    }

    /// Migrates one entity, reading it again as long as others write it.
    async fn migrate_one(
        &self,
        mut anchor: Anchor<E::Id>,
        mut replacements: Vec<Replacement>,
        report: &mut MigrationReport,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if let Commit::Done = self.commit(replacements.iter()).await? {
                report.migrated += replacements.len() as u64;
                return Ok(());
            }
            anchor.records = self.collection.records(&anchor.key).await?;
            match self.replacements(&anchor) {
                Ok((again, current)) => {
                    report.current +=
                        current.saturating_sub((anchor.records.len() - replacements.len()) as u64);
                    replacements = again;
                }
                Err(error) => {
                    report.fail(error);
                    return Ok(());
                }
            }
            if replacements.is_empty() {
                return Ok(());
            }
        }
        report.contended += replacements.len() as u64;
        Ok(())
    }

    async fn commit(&self, replacements: impl Iterator<Item = &Replacement>) -> Result<Commit> {
        let (mut conditions, mut writes) = (Vec::new(), Vec::new());
        for Replacement { key, revision, record, .. } in replacements {
            conditions.push(Condition::new(key.clone(), Expect::Revision(revision.clone())));
            writes.push(Write::Update(key.clone(), record.clone()));
        }
        let commit = self.collection.store().commit(conditions, writes).await;
        commit.map_err(|error| error.of_entity(E::SCHEMA.name()))
    }

    /// What it takes to bring the entity to the version that is written, and how many of its records need nothing.
    fn replacements(&self, anchor: &Anchor<E::Id>) -> Result<(Vec<Replacement>, u64)> {
        let Some(entity) = self.collection.decode(anchor.id.clone(), &anchor.key, &anchor.records)? else {
            return Ok((Vec::new(), 0));
        };
        let (mut replacements, mut current) = (Vec::new(), 0);
        for (group, (schema, record)) in E::SCHEMA.groups().iter().zip(&anchor.records).enumerate() {
            match record {
                Some(record) if record.metadata.version < schema.write_version() => {
                    let key = anchor.key.with_group(schema.name());
                    replacements.push(self.collection.replacement(key, &entity, group, record)?);
                }
                Some(_) => current += 1,
                None => {}
            }
        }
        Ok((replacements, current))
    }
}

impl MigrationReport {
    fn fail(&mut self, error: Error) {
        if matches!(error, Error::TooNew { .. }) {
            self.too_new += 1;
            return;
        }
        self.failed += 1;
        if self.failures.len() < KEPT_FAILURES {
            let key = error.location().and_then(|at: &Location| at.key.clone()).unwrap_or_default();
            self.failures.push(Failed { key, error });
        }
    }
}

impl fmt::Display for MigrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("migrated", self.migrated),
            ("current", self.current),
            ("too new", self.too_new),
            ("contended", self.contended),
            ("failed", self.failed),
            ("other keys", self.skipped),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<12} {count:>10}")?;
        }
        for Failed { key, error } in &self.failures {
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
}

impl<E: KvEntity, S: Store> fmt::Debug for MigrateAll<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrateAll")
            .field("collection", &self.collection)
            .field("batch", &self.batch)
            .field("rate", &self.rate)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
