//! How a store is opened.

use std::path::Path;
use std::sync::Arc;

use kv_store::store::{Capabilities, Sharing, StoreInfo};
use kv_store::{Clock, Error, Location, Result};

use crate::NAME;
use crate::durability::RedbDurability;
use crate::file::{self, Opening};
use crate::read::Reader;
use crate::store::{Inner, RedbStore};
use crate::writer::Writer;

/// Options for opening a [`RedbStore`], which [`RedbStore::options`] returns.
///
/// ```
/// use kv_runtime::store::{RedbDurability, RedbStore};
///
/// # let path = std::env::temp_dir().join(format!("kv-runtime-options-{}.redb", std::process::id()));
/// let store = RedbStore::options().durability(RedbDurability::OnFlush).cache_bytes(64 << 20).open(&path)?;
/// # drop(store);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RedbOptions {
    clock: Clock,
    opening: Opening,
    durability: RedbDurability,
    queue_bytes: Option<usize>,
}

/// How many bytes may wait for the writer by default: those of two commits.
const QUEUE_BYTES: usize = 32 << 20;

impl RedbOptions {
    /// Sets the clock that decides when records expire. The default is the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how many bytes of the file redb caches in memory. The default is 1 GiB.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.opening.cache_bytes = Some(bytes);
        self
    }

    /// Checks every page against its checksum when the file is opened, so that damage is found at
    /// once. That takes as long as reading the whole file. Otherwise damage is found when the
    /// damaged page is read.
    pub fn check_pages(mut self) -> Self {
        self.opening.checks_pages = true;
        self
    }

    /// Opens the file only for reading. The file is not changed, may be on a read-only file system,
    /// and several processes may open it so at the same time. redb refuses this while a process has
    /// the file open for writing, and refuses to open it for writing while any process reads.
    ///
    /// Each write is [`Error::Unsupported`](kv_store::Error::Unsupported). A file that was not closed
    /// properly must be opened for writing once, which repairs it.
    pub fn read_only(mut self) -> Self {
        self.opening.read_only = true;
        self
    }

    /// Sets when a write is on the disk.
    pub fn durability(mut self, durability: RedbDurability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how many bytes of writes may be queued or under way, instead of 32 MiB. Further calls
    /// wait for room, and are woken in the order in which they came. A call that is larger than the
    /// room that is left is queued as a whole, so the queue may exceed the limit by that call.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = Some(bytes);
        self
    }

    /// Opens the file as [`RedbStore::open`] does.
    pub fn open(self, path: impl AsRef<Path>) -> Result<RedbStore> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            let what = "the path of the file is empty; name a file, such as `app.redb`";
            return Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() });
        }
        let (file, damage) = file::open(path, self.opening)?;
        let reader = Arc::new(Reader::new(file, self.clock.clone(), damage));
        let queue_bytes = self.queue_bytes.unwrap_or(QUEUE_BYTES);
        let writer = match self.opening.read_only {
            true => None,
            false => Some(Writer::start(Arc::clone(&reader), self.durability, queue_bytes)?),
        };
        let capabilities = Capabilities::new(Sharing::Exclusive)
            .compare_and_swap()
            .indexes()
            .ordered()
            .snapshot_reads()
            .atomic_batches()
            .cheap_metadata()
            .plain_records();
        let info = StoreInfo::new(NAME, capabilities).with_clock(self.clock);
        let info = match &writer {
            Some(writer) => info.settling_by(writer.answers()),
            None => info.settling_at_once(),
        };
        Ok(RedbStore(Arc::new(Inner { info, path: path.to_owned(), writer, reader })))
    }
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
}
