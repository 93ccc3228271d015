//! The store in a file, each time in a new one; and such a file written to by another program.

use std::time::Duration;

use kv_runtime::conformance::{Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::record::envelope;
use kv_runtime::store::{RedbDurability, RedbStore};
use kv_runtime::{Clock, ManualClock, Result, Timestamp};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

const RECORDS: TableDefinition<&str, &[u8]> = TableDefinition::new("records");

pub struct RedbHarness {
    clock: ManualClock,
    durability: RedbDurability,
    directory: TempDir,
}

impl RedbHarness {
    pub fn new(durability: RedbDurability) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_763_900_000_000));
        Self { clock, durability, directory: tempfile::tempdir().expect("there is room for files") }
    }

    /// Opens a file that no test had before, after something else was done with it.
    fn open(&self, before: impl FnOnce(&std::path::Path)) -> Result<RedbStore> {
        let (_, path) = tempfile::Builder::new()
            .suffix(".redb")
            .tempfile_in(self.directory.path())
            .and_then(|file| Ok(file.keep()?))
            .expect("there is room for files");
        std::fs::remove_file(&path).expect("the file was just made");
        before(&path);
        self.options().open(path)
    }

    fn options(&self) -> kv_runtime::store::RedbOptions {
        RedbStore::options().clock(Clock::from(&self.clock)).durability(self.durability)
    }
}

impl Harness for RedbHarness {
    type Store = RedbStore;

    async fn store(&self) -> Result<RedbStore> {
        self.open(|_| ())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<RedbStore>> {
        self.open(|path| {
            drop(self.options().open(path).expect("a new file opens"));
            write_past_the_store(path, records).expect("a closed file can be written to");
        })
        .map(Some)
    }
}

fn write_past_the_store(path: &std::path::Path, records: &[(Key, Foreign)]) -> Result<(), redb::Error> {
    let database = Database::open(path)?;
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(RECORDS)?;
        for (key, foreign) in records {
            let bytes = if let Foreign::Plain(value) = foreign { value } else { &envelope::MAGIC[..] };
            table.insert(key.as_str(), bytes)?;
        }
    }
    Ok(transaction.commit()?)
}
