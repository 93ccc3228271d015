//! The durable store: one [redb](https://docs.rs/redb) file, which this process alone has open.
//!
//! One file a subject: `options` (how a store is opened), `file` (what a file must be to be ours),
//! `read` (what runs on the caller's thread), `list`, `aside` (what runs on a separate thread:
//! `backup`, and the measuring of `space`), `queue` (room for work), `writer` (the queue and its
//! thread, which turn concurrent writes into one commit), `work` (what is queued), `tables` (one
//! piece of work on a transaction).
//!
//! # The file
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `records` | `&str`, the key | `&[u8]`: the [envelope](kv_store::record::envelope) and the value behind it |
//! | `expiry` | `(u64, &str)`: milliseconds since the Unix epoch, the key | `()` |
//! | `kv_runtime` | `&str` | `u64`: under `format` the number of this layout, 1 |
//!
//! A value without envelope is version 1 in JSON, so records may be put into the file by other
//! programs. `expiry` has an entry for each record that expires, written in the record's own
//! transaction, and none else; it serves [`RedbStore::sweep`] alone. What a record's envelope says
//! decides whether it has expired.

mod aside;
mod backup;
mod counters;
mod damage;
mod file;
mod list;
mod options;
mod queue;
mod read;
mod space;
mod tables;
#[cfg(test)]
mod tests;
mod work;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record, RecordRef, Revision};
use kv_store::store::{
    AtomicStore, Capabilities, Commit, Condition, Cursor, Expect, FairQueue, Lease, ListPage, ListQuery,
    Mark, Sharing, Store, Write,
};
use kv_store::{Clock, Error, MaybeSend, Result};

use read::Reader;
use work::{Done, Work};
use writer::Writer;

pub use backup::{BackupProgress, BackupReport, RedbBackup};
pub use counters::RedbStats;
pub use options::{RedbDurability, RedbOptions};
pub use space::{CompactReport, PrefixSpace, RedbSpace};

const NAME: &str = "redb";

const READ_ONLY: &str = "a write, as its file is open for reading alone";

/// Records in one [redb](https://docs.rs/redb) file: durable, ordered, atomic. One process can have
/// it open.
///
/// **Writes.** A write is on the disk when its future is ready. Writes that wait at the same time
/// share one commit and its fsync. A write is queued for the store's own thread when its future is
/// polled and the queue has room ([`RedbOptions::queue_bytes`]). If the future is dropped before
/// the thread has begun the write, the write is skipped. After that it is made as a whole.
///
/// **Bulk writes.** A `put_many` of a collection that takes several batches is committed after each
/// 256 MiB and with the last batch. Any other write commits the batches before it, too. Until then
/// reads may miss them, and a crash may lose them.
///
/// **Reads** run on the caller's thread, and never wait for the disk to confirm a write. The value
/// of a record of 64 KiB or more is not copied by [`get`](Store::get): as long as you hold it, the
/// file keeps the pages of that moment, and cannot be [compacted](RedbStore::compact).
///
/// **Closing.** Clones share the file. When the last clone is dropped, the store writes what is
/// queued and closes the file, which blocks.
///
/// **Damage.** redb does not check its pages at each read. If a page was changed from outside, the
/// call that reads it is an [`Error::Store`](kv_store::Error::Store) whose source says that the file
/// is damaged. From then on every write is refused, and intact records can still be read.
/// [`RedbOptions::check_pages`] finds damage when the store is opened. In a program that is built
/// with `panic = "abort"`, redb may end the process instead.
///
/// An expired record is invisible at once. Its space in the file is freed when it is overwritten,
/// deleted or [swept](RedbStore::sweep). [The guide](https://docs.rs/kv-runtime/latest/kv_runtime/guide/embedded/index.html) says when to sweep,
/// and how to back up and restore the file.
///
/// ```
/// use kv_runtime::key::Key;
/// use kv_runtime::record::{Metadata, NewRecord};
/// use kv_runtime::store::{RedbStore, Store};
///
/// # let path = std::env::temp_dir().join(format!("kv-runtime-doc-{}.redb", std::process::id()));
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let key = Key::from_text("feature:flags:beta");
/// let store = RedbStore::open(&path)?;
/// store.put(key.clone(), NewRecord::new("true", Metadata::default())).await?;
/// drop(store);
///
/// let store = RedbStore::open(&path)?;
/// assert_eq!(store.get(&key).await?.map(|record| record.value.to_vec()), Some(b"true".to_vec()));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RedbStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    // Before the reader: the thread ends, and lets go of the file, first. None of a file that is
    // open for reading alone.
    writer: Option<Writer>,
    reader: Arc<Reader>,
    queue: FairQueue,
}

/// What a [sweep](RedbStore::sweep) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// How many expired records were removed.
    pub removed: usize,
    /// Whether more expired records are left.
    pub more: bool,
}

impl RedbStore {
    /// Opens the file, or creates it if there is none. Its directory must exist. The call reads and
    /// may repair the file, so it blocks.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyOpen`](kv_store::Error::AlreadyOpen) if any process has the file open.
    /// [`Error::ForeignFile`](kv_store::Error::ForeignFile) if it is not a store's file, or too
    /// damaged to be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// Returns options for opening a file.
    pub fn options() -> RedbOptions {
        RedbOptions::default()
    }

    /// Removes at most `limit` expired records in one commit, those that expired first.
    ///
    /// The store never calls it by itself. An application whose records expire calls it from time
    /// to time, until [`SweepReport::more`] says that there are no more. The limit bounds how long
    /// other writers wait.
    pub async fn sweep(&self, limit: usize) -> Result<SweepReport> {
        match self.submit(Work::Sweep(limit)).await? {
            Done::Swept(report) => Ok(report),
            Done::Written | Done::Conflict(_) => Ok(SweepReport { removed: 0, more: false }),
        }
    }

    /// Waits until all earlier writes are on the disk. With [`RedbDurability::Immediate`] they
    /// always are.
    pub async fn flush(&self) -> Result<()> {
        self.write(Work::Flush).await.map(drop)
    }

    /// Returns counters of the writer since the store was opened, and the length of the file. It
    /// costs one call of the operating system. [`space`](Self::space) says how much of the file is
    /// in use.
    #[must_use]
    pub fn stats(&self) -> RedbStats {
        let stats = self.0.writer.as_ref().map(Writer::stats).unwrap_or_default();
        let file_bytes = std::fs::metadata(&self.0.path).map_or(0, |file| file.len());
        RedbStats { file_bytes, ..stats }
    }

    async fn submit(&self, work: Work) -> Result<Done> {
        match &self.0.writer {
            Some(writer) => writer.submit(work).await,
            None => Err(Error::Unsupported { at: work.location(), capability: READ_ONLY }),
        }
    }

    async fn write(&self, work: Work) -> Result<Commit> {
        Ok(match self.submit(work).await? {
            Done::Conflict(place) => Commit::Conflict(place),
            Done::Written | Done::Swept(_) => Commit::Done,
        })
    }
}

/// Shows the file's path, and no record.
impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Store for RedbStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        self.0.reader.clock()
    }

    fn fair_queue(&self) -> Option<&FairQueue> {
        Some(&self.0.queue)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Sharing::Exclusive)
            .compare_and_swap()
            .ordered()
            .snapshot_reads()
            .atomic_batches()
            .cheap_metadata()
    }

    /// Counts the calls that are queued. One that still waits for room is not among them, and
    /// writes nothing if it is dropped.
    fn mark(&self) -> Mark {
        Mark::new(self.0.writer.as_ref().map_or(0, Writer::queued))
    }

    fn has_settled(&self, mark: Mark) -> bool {
        self.0.writer.as_ref().is_none_or(|writer| writer.has_answered(mark.number()))
    }

    async fn lease(&self, keys: &[Key], _: Duration) -> Result<Vec<Lease>> {
        Ok(self.0.reader.fences().leases(keys))
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.0.reader.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.0.reader.get_many(keys).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.0.reader.head(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.write(Work::Write(Write::Put(key, record))).await.map(drop)
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.write(Work::PutMany(records)).await.map(drop)
    }

    async fn put_part(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.write(Work::PutPart(records)).await.map(drop)
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], vec![Write::Update(key, record)]).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.write(Work::Write(Write::Delete(key))).await.map(drop)
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.write(Work::DeleteMany(keys)).await.map(drop)
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.0.reader.list(query).await
    }

    async fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.0.reader.list_each(query, each).await
    }
}

impl AtomicStore for RedbStore {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        self.write(Work::Commit(conditions, writes)).await
    }
}
