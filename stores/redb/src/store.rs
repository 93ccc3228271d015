//! The store: what its calls ask of the reader and the writer.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryPage, EntryQuery, EntryRef, GetOptions, IndexStore,
    Lease, ListQuery, Store, StoreInfo,
};
use kv_store::{Error, MaybeSend, Result};

use crate::counters::RedbStats;
use crate::read::Reader;
use crate::work::{Done, SweepReport, Work};
use crate::writer::Writer;

const READ_ONLY: &str = "a write, because its file is open read-only";

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
/// use kv_runtime::store::{RedbStore, StoreExt};
///
/// # let path = std::env::temp_dir().join(format!("kv-runtime-doc-{}.redb", std::process::id()));
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let key = Key::from_text("feature:flags:beta");
/// let store = RedbStore::open(&path)?;
/// store.put(key.clone(), NewRecord::new("true", Metadata::default())).await?;
/// drop(store);
///
/// let store = RedbStore::open(&path)?;
/// assert_eq!(store.read(&key).await?.map(|record| record.value.to_vec()), Some(b"true".to_vec()));
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`RedbOptions::check_pages`]: crate::RedbOptions::check_pages
/// [`RedbOptions::queue_bytes`]: crate::RedbOptions::queue_bytes
#[derive(Clone)]
pub struct RedbStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) info: StoreInfo,
    pub(crate) path: PathBuf,
    /// None of a file that is open for reading alone.
    pub(crate) writer: Option<Writer>,
    pub(crate) reader: Arc<Reader>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The thread ends, and lets go of the file, first.
        drop(self.writer.take());
        self.reader.close();
    }
}

impl RedbStore {
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
    ///
    /// [`RedbDurability::Immediate`]: crate::RedbDurability::Immediate
    pub async fn flush(&self) -> Result<()> {
        self.submit(Work::Flush).await.map(drop)
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

    pub(crate) async fn submit(&self, work: Work) -> Result<Done> {
        match &self.0.writer {
            Some(writer) => writer.submit(work).await,
            None => Err(Error::Unsupported { at: work.location(), capability: READ_ONLY }),
        }
    }

    pub(crate) async fn made(&self, work: Work) -> Result<Commit> {
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
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        self.0.reader.get(key, options).await
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        self.0.reader.get_many(keys).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        self.submit(Work::Write(Vec::new(), batch)).await.map(drop)
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        self.made(Work::Write(conditions, batch)).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        self.0.reader.list(query, each).await
    }

    async fn lease(&self, keys: &[Key], _: Duration) -> Result<Vec<Lease>> {
        Ok(Lease::by_fences(&self.0.reader.fences, keys))
    }
}

impl AtomicStore for RedbStore {}

impl IndexStore for RedbStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.0.reader.entries(query).await
    }
}
