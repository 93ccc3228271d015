//! Damage: pages of the file that were changed from outside.
//!
//! redb trusts its pages, and mostly panics at one that was changed. This module catches such a
//! panic and makes it the error of the call. From then on nothing is written to the file, not even
//! when it is closed: the backend below redb refuses. Intact records can still be read.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kv_store::{Error, Location, Result, SharedError};
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::unfinished::is_unfinished;

/// The state of a file's damage. Clones share it.
#[derive(Clone)]
pub(super) struct Damage(Arc<Known>);

struct Known {
    path: PathBuf,
    is_met: AtomicBool,
    disk_failed: AtomicBool,
    /// Whether the disk is full.
    disk_is_full: AtomicBool,
}

/// redb panicked.
pub(super) struct Panicked;

impl Damage {
    pub(super) fn unknown(path: &Path) -> Self {
        Self(Arc::new(Known {
            path: path.to_owned(),
            is_met: AtomicBool::new(false),
            disk_failed: AtomicBool::new(false),
            disk_is_full: AtomicBool::new(false),
        }))
    }

    pub(super) fn is_met(&self) -> bool {
        self.0.is_met.load(Ordering::Acquire)
    }

    /// Returns whether damage was found, or the disk has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.is_met() || self.0.disk_failed.load(Ordering::Acquire)
    }

    /// Refuses all writes from now on.
    pub(super) fn meet(&self) {
        if !self.0.is_met.swap(true, Ordering::AcqRel) {
            tracing::error!(path = %self.0.path.display(), "the redb file is damaged; it takes no more writes");
        }
    }

    /// Runs code that calls redb, and catches its panics.
    pub(super) fn caught<T>(&self, work: impl FnOnce() -> T) -> Result<T, Panicked> {
        // redb's own state may be half-changed: it is not used for writing any more, and what it
        // answers to reads are pages.
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.meet();
            Panicked
        })
    }

    /// Runs code that reads from redb, as a part of one call.
    pub(super) fn reading<T>(
        &self,
        at: impl FnOnce() -> Box<Location>,
        action: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.caught(work).unwrap_or_else(|Panicked| Err(Error::store(at(), action, false, self.error(None))))
    }

    /// Converts an error of redb to one of this crate.
    pub(super) fn failed(
        &self,
        at: Box<Location>,
        action: &'static str,
        error: impl Into<redb::Error>,
    ) -> Error {
        // redb retries what can be retried; after an I/O error it refuses to write until the file
        // is opened again.
        Error::Store { at, action, why: None, retryable: false, source: self.cause_of(error.into()) }
    }

    /// Converts an error of redb: damage, a full disk, or its own reason.
    pub(super) fn cause_of(&self, error: redb::Error) -> SharedError {
        if matches!(error, redb::Error::Corrupted(_) | redb::Error::LockPoisoned(_)) {
            self.meet();
            return SharedError::new(self.error(Some(error)));
        }
        let is_previous = matches!(error, redb::Error::PreviousIo);
        if is_previous || matches!(error, redb::Error::Io(_)) {
            self.0.disk_failed.store(true, Ordering::Release);
        }
        if let redb::Error::Io(failure) = &error
            && is_full(failure.kind())
        {
            self.0.disk_is_full.store(true, Ordering::Release);
            return SharedError::new(FullDisk { path: self.0.path.clone(), source: error });
        }
        if self.is_met() {
            return SharedError::new(self.error(Some(error)));
        }
        if is_previous && self.0.disk_is_full.load(Ordering::Acquire) {
            return SharedError::new(FullDisk { path: self.0.path.clone(), source: error });
        }
        SharedError::new(error)
    }

    pub(super) fn error(&self, source: Option<redb::Error>) -> DamagedFile {
        DamagedFile { path: self.0.path.clone(), source }
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// Where the guide says how to restore a backup. Errors that ask for one name it.
pub(super) const RESTORING: &str =
    "https://docs.rs/kv-runtime/latest/kv_runtime/guide/embedded/#restoring-a-backup";

/// The cause of errors on a full disk. redb writes nothing more until the file is opened again.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: the disk is full; free some room, then close the store and open it again; no acknowledged write is lost, and reads go on",
    path.display()
)]
pub(super) struct FullDisk {
    path: PathBuf,
    source: redb::Error,
}

/// The cause of errors about a damaged file.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: the file is damaged, and nothing is written to it any more; restore it from a backup ({RESTORING}), or save what can still be read",
    path.display()
)]
pub(super) struct DamagedFile {
    path: PathBuf,
    source: Option<redb::Error>,
}

/// A file that refuses writes once damage was found.
pub(super) struct SealableFile {
    file: FileBackend,
    damage: Damage,
    /// Whether it is known that the file's creation was finished.
    is_finished: AtomicBool,
}

impl SealableFile {
    pub(super) fn new(file: FileBackend, damage: Damage) -> Self {
        Self { file, damage, is_finished: AtomicBool::new(false) }
    }

    fn unsealed(&self) -> io::Result<&FileBackend> {
        if self.damage.is_met() {
            return Err(io::Error::other("the file is damaged, and nothing is written to it any more"));
        }
        Ok(&self.file)
    }
}

impl fmt::Debug for SealableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

#[deny(clippy::missing_trait_methods)]
impl StorageBackend for SealableFile {
    fn len(&self) -> io::Result<u64> {
        // redb asks first when it has the file's lock, so nobody else is creating it.
        if !self.is_finished.swap(true, Ordering::Relaxed) && is_unfinished(&self.file)? {
            self.unsealed()?.set_len(0)?;
        }
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.unsealed()?.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.unsealed()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.unsealed()?.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

/// Returns the error of a panic of redb while it opens a file.
pub(super) fn unopenable(path: &Path) -> Error {
    foreign(path, "redb panicked as it read its pages")
}

/// Returns the error of damage that redb reports while it opens a file.
pub(super) fn foreign(path: &Path, found: &str) -> Error {
    Error::ForeignFile {
        path: path.to_owned(),
        what: format!("its pages are damaged ({found}); restore it from a backup ({RESTORING})").into(),
    }
}
