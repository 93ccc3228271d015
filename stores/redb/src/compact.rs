//! Makes the file smaller.

use std::thread;
use std::time::Duration;

use kv_store::{Error, Location};
use redb::CompactionError;

use super::NAME;
use super::read::Reader;

/// How long a compaction waits for reads in progress.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// The result of a compaction: [`RedbStore::compact`](crate::RedbStore::compact).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactReport {
    /// The length of the file in bytes before the compaction.
    pub before_bytes: u64,
    /// The length after it.
    pub after_bytes: u64,
}

/// Compacts the file, on the writer's thread and with no transaction begun. Reads that are in
/// progress are waited for.
pub(super) fn compact(reader: &Reader) -> Result<(), Error> {
    let in_progress = |error| {
        Error::store(Location::store(NAME), "compact its file", true, error)
            .because(
                "a backup or another long read is in progress, or the value of a large record is held; try again later",
            )
    };
    if reader.has_snapshots() {
        return Err(in_progress(redb::Error::TransactionInProgress));
    }
    let mut attempts = 0;
    let compacted = reader.exclusively(|database| {
        loop {
            match database.compact() {
                Err(CompactionError::TransactionInProgress) if attempts < ATTEMPTS => {
                    attempts += 1;
                    thread::sleep(PAUSE);
                }
                done => return done.map(drop).map_err(redb::Error::from),
            }
        }
    });
    match compacted {
        Ok(()) => Ok(()),
        Err(error @ redb::Error::TransactionInProgress) => Err(in_progress(error)),
        Err(error) => Err(reader.damage.failed(Location::store(NAME), "compact its file", error)),
    }
}
