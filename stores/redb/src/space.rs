//! How much the file takes, and what of it is in use.

use std::fs;

use kv_store::key::Key;
use kv_store::store::{EntryRef, ListQuery, Store};
use kv_store::{Location, Result};
use redb::{ReadableTableMetadata, TableStats};

use super::compact::CompactReport;
use super::file;
use super::layout::{EXPIRY, RECORDS};
use super::read::Reader;
use super::store::RedbStore;
use super::work::Work;
use super::{NAME, aside};

/// The space of the file: [`RedbStore::space`]. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedbSpace {
    /// The length of the file.
    pub file_bytes: u64,
    /// The keys and values of records and of the index of expiry, including expired records that
    /// were not swept.
    pub live_bytes: u64,
    /// The overhead of the B-trees: inner pages, and unused room in pages.
    pub overhead_bytes: u64,
    /// The rest of the file: free pages, which later writes use, and some that redb needs itself.
    /// [`RedbStore::compact`] can return about this much to the file system.
    pub free_bytes: u64,
    /// The number of records, including expired ones that were not swept.
    pub records: u64,
}

/// The space of the keys with a prefix: [`RedbStore::space_of`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrefixSpace {
    /// The number of records that have not expired.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl RedbStore {
    /// Measures how much of the file is in use. It reads all pages, on a separate thread.
    /// [`stats`](Self::stats) costs nothing, but returns only the length of the file.
    pub async fn space(&self) -> Result<RedbSpace> {
        let path = self.0.path.clone();
        aside::run(&self.0.reader, "measure its file", move |reader, _| {
            let file =
                fs::metadata(&path).map_err(|error| file::not_written(&path, "measure its file", error))?;
            measure(reader, file.len())
                .map_err(|error| reader.damage.failed(Location::store(NAME), "measure its file", error))
        })
        .await
    }

    /// Counts the records whose keys begin with `prefix`, such as `user:`, and their bytes. It
    /// reads all of them, and yields to other tasks every few milliseconds.
    pub async fn space_of(&self, prefix: &str) -> Result<PrefixSpace> {
        let mut space = PrefixSpace::default();
        let mut query = ListQuery::new(Key::from_text(prefix)).with_limit(usize::MAX);
        loop {
            let each = |key: &str, entry: EntryRef<'_>| {
                let len = if let EntryRef::Record(record) = entry { record.value.len() } else { 0 };
                space.records += 1;
                space.bytes += (key.len() + len) as u64;
            };
            let cursor = self.list(&query, each).await?;
            if cursor.is_none() {
                return Ok(space);
            }
            kv_store::__private::coop::yield_now().await;
            query = query.with_cursor(cursor);
        }
    }

    /// Returns free pages of the file to the file system. It moves pages from the end of the file
    /// to its beginning, so the file may stay larger than its content. A second call does no harm.
    ///
    /// It waits in the writer's queue as a write does. While it runs, reads and writes wait for it,
    /// without holding a thread. It is worth it if [`RedbSpace::free_bytes`] is most of the file
    /// and will not be used again.
    ///
    /// # Errors
    ///
    /// A retryable [`Error::Store`](kv_store::Error::Store) while a [backup](Self::backup) is made, and while a value of 64
    /// KiB or more is held that [`get`](Store::get) returned.
    pub async fn compact(&self) -> Result<CompactReport> {
        let len = || fs::metadata(&self.0.path).map(|file| file.len());
        let not_measured = |error| file::not_written(&self.0.path, "measure its file", error);
        let before_bytes = len().map_err(not_measured)?;
        self.submit(Work::Compact).await?;
        Ok(CompactReport { before_bytes, after_bytes: len().map_err(not_measured)? })
    }
}

fn measure(reader: &Reader, file_bytes: u64) -> Result<RedbSpace, redb::Error> {
    let snapshot = reader.snapshot()?;
    let records = snapshot.open_table(RECORDS)?;
    let tables: [TableStats; 2] = [records.stats()?, snapshot.open_table(EXPIRY)?.stats()?];
    let live_bytes = tables.iter().map(TableStats::stored_bytes).sum();
    let overhead_bytes = tables.iter().map(|it| it.metadata_bytes() + it.fragmented_bytes()).sum();
    let free_bytes = file_bytes.saturating_sub(live_bytes).saturating_sub(overhead_bytes);
    Ok(RedbSpace { file_bytes, live_bytes, overhead_bytes, free_bytes, records: records.len()? })
}
