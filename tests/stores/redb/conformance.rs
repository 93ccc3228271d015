//! The suite that every store passes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::conformance::{self, Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::{RedbDurability, RedbStore};
use kv_runtime::{Clock, ManualClock, Result, Timestamp};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

use super::Test;

/// Each store is another file in one directory.
struct Files {
    directory: TempDir,
    made: AtomicUsize,
    clock: ManualClock,
    durability: RedbDurability,
}

impl Files {
    fn new(durability: RedbDurability) -> std::io::Result<Self> {
        let clock = ManualClock::new(Timestamp::from_millis(1_763_900_000_000));
        Ok(Self { directory: tempfile::tempdir()?, made: AtomicUsize::new(0), clock, durability })
    }

    fn next(&self) -> PathBuf {
        self.directory.path().join(format!("{}.redb", self.made.fetch_add(1, Ordering::Relaxed)))
    }

    fn open(&self, path: PathBuf) -> Result<RedbStore> {
        RedbStore::options().clock(Clock::from(&self.clock)).durability(self.durability).open(path)
    }
}

impl Harness for Files {
    type Store = RedbStore;

    async fn store(&self) -> Result<RedbStore> {
        self.open(self.next())
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<RedbStore>> {
        let path = self.next();
        drop(self.open(path.clone())?);
        write(&path, records).expect("a file that was just closed");
        self.open(path).map(Some)
    }
}

/// As another program would, with redb alone.
fn write(path: &std::path::Path, records: &[(Key, Foreign)]) -> Result<(), redb::Error> {
    let transaction = Database::open(path)?.begin_write()?;
    let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new("records"))?;
    for (key, record) in records {
        let stored: &[u8] = match record {
            Foreign::Plain(value) => value,
            // An envelope that is cut short.
            _ => b"\xFFK\x01\x02",
        };
        table.insert(key.as_str(), stored)?;
    }
    drop(table);
    Ok(transaction.commit()?)
}

#[tokio::test]
async fn it_passes_the_suite() -> Test {
    for durability in [RedbDurability::Immediate, RedbDurability::OnFlush] {
        let report = conformance::index_store(&Files::new(durability)?).await;
        println!("{report}");
        report.require(100).map_err(|unfit| format!("{durability:?}: {unfit:?}"))?;
    }
    Ok(())
}
