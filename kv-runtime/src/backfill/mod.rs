//! All records of a collection: how many there are of each version, all brought to the one that is
//! written, and all moved to other keys.

mod batch;
mod census;
mod keys;
mod pass;
mod report;

use std::fmt;

use futures_util::future::{OptionFuture, join};
use kv_store::__private::Stopwatch;
use kv_store::key::{Key, KeyBuilder};
use kv_store::store::{AtomicStore, Cursor, Store};
use kv_store::{MaybeSend, Result};

use crate::collection::{Collection, span};
use crate::entity::KvEntity;
use crate::list::secret;
use crate::small::Instrument;
use batch::Batch;

pub use census::{Census, GroupCensus};
pub use keys::{KeyMigrationReport, MigrateKeys};
pub(crate) use pass::Pass;
pub use report::{Failed, MigrationReport, Progress};

/// How many entities a batch has, where nobody says. A commit may wait long for its disk, so a batch
/// is not too small; its records are in memory, so it is not too large either.
const BATCH: usize = 4_000;

/// A backfill in the making: [`Collection::migrate_all`].
#[must_use = "a backfill does nothing until `run` is called"]
pub struct MigrateAll<E, S> {
    collection: Collection<E, S>,
    pass: Pass<Progress>,
    dry_run: bool,
    cursor: Option<Cursor>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns a backfill: it brings all records to the version that is written, when it is `run`.
    ///
    /// It may be killed at any moment. Each batch is a commit on the condition that none of its
    /// records has changed, and a current record is not written again. A record that cannot be
    /// migrated is reported and stays as it is, and the backfill goes on. It holds two batches in
    /// memory.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let dry = users.migrate_all().dry_run().run().await?;
    /// assert_eq!(dry.failed, 0); // nothing would fail
    /// let report = users.migrate_all().rate(5_000).run().await?;
    /// assert_eq!(report.migrated, 0); // all records are current
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn migrate_all(&self) -> MigrateAll<E, S>
    where
        S: AtomicStore,
    {
        MigrateAll { collection: self.clone(), pass: Pass::new(BATCH), dry_run: false, cursor: None }
    }
}

impl<E: KvEntity, S: Store> MigrateAll<E, S> {
    /// So many entities a batch at most, instead of 4,000. A batch ends with the entity at which
    /// its records have 4 MiB. The records of two batches are in memory: one that is written, and
    /// the next.
    pub fn batch(mut self, entities: usize) -> Self {
        self.pass.set_batch(entities);
        self
    }

    /// At most so many entities a second, on average. It waits by the timer of the store's clock
    /// ([`Timer`](crate::Timer)). Without one the run ends with [`Error::NoTimer`](crate::Error::NoTimer) after a batch.
    pub fn rate(mut self, entities_per_second: u32) -> Self {
        self.pass.set_rate(entities_per_second);
        self
    }

    /// Migrates in memory and writes nothing. The report says so: [`MigrationReport::dry_run`].
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// From where an earlier run was: [`Progress::cursor`].
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Calls `progress` after each batch.
    pub fn progress(mut self, progress: impl FnMut(&Progress) + MaybeSend + 'static) -> Self {
        self.pass.set_progress(progress);
        self
    }

    /// Runs it. A failing store ends it with its error; what was committed stays.
    pub async fn run(self) -> Result<MigrationReport>
    where
        S: AtomicStore,
    {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("migrate_all", E::SCHEMA.name, self.collection.info().name(), &prefix);
        self.run_within(&prefix).instrument(span).await
    }

    async fn run_within(mut self, prefix: &Key) -> Result<MigrationReport>
    where
        S: AtomicStore,
    {
        let mut report = MigrationReport { dry_run: self.dry_run, ..MigrationReport::default() };
        let (started, mut entities) = (Stopwatch::start(self.collection.info().clock()), 0_u64);
        let first = secret::stored(&self.collection, prefix, self.cursor.take())?;
        let mut batch = self.prepare(prefix, first).await?;
        loop {
            let cursor = batch.cursor.clone();
            entities += batch.entities;
            // What is prepared before a pause would be old when it is written.
            let ahead = cursor.clone().filter(|_| self.pass.rate().is_none());
            let prepare = OptionFuture::from(ahead.map(|cursor| self.prepare(prefix, Some(cursor))));
            let (written, next) = join(self.write(batch), prepare).await;
            report.add(written?);
            let progress = report.progress(secret::printable(&self.collection, prefix, cursor.clone()));
            self.pass.report(&progress);
            if cursor.is_none() {
                return Ok(report);
            }
            self.pass.keep_rate(&self.collection, &started, entities).await?;
            batch = match next {
                Some(next) => next?,
                None => self.prepare(prefix, cursor).await?,
            };
        }
    }

    async fn prepare(&self, prefix: &Key, cursor: Option<Cursor>) -> Result<Batch<E::Id>> {
        batch::prepare(&self.collection, prefix, cursor, self.pass.limit()).await
    }

    async fn write(&self, batch: Batch<E::Id>) -> Result<MigrationReport>
    where
        S: AtomicStore,
    {
        if self.dry_run {
            let migrated = batch.records();
            return Ok(MigrationReport { migrated, ..batch.report });
        }
        batch::write(&self.collection, batch).await
    }
}

impl<E: KvEntity, S: Store> fmt::Debug for MigrateAll<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrateAll")
            .field("collection", &self.collection)
            .field("batch", &self.pass.batch())
            .field("rate", &self.pass.rate())
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
