//! Backups: a copy of the file as it is at one moment, made while the store is in use.
//!
//! The records of one read transaction are copied into a new file beside the target, which is
//! renamed into place when it is whole and on the disk. So whatever ends a backup early, the target
//! is what it was before.

use std::fmt;
use std::fs;
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};

use kv_store::__private::random;
use kv_store::{BoxFuture, Error, Location, Result};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, Durability, Key, ReadOnlyTable, ReadableTable, ReadableTableMetadata, TableDefinition,
    Value,
};

use super::NAME;
use super::aside::{self, Caller};
use super::file;
use super::layout::{EXPIRY, RECORDS};
use super::read::Reader;
use super::store::RedbStore;

/// How many bytes are copied in one transaction, and between two calls of the progress callback.
const PART_BYTES: u64 = 8 << 20;

/// How much memory redb may use for the pages of the new file.
const CACHE_BYTES: usize = 16 << 20;

/// The callback for a backup's progress.
type Tell = Box<dyn FnMut(&BackupProgress) + Send>;

/// A backup, which [`RedbStore::backup`] returns. It begins when it is awaited.
#[must_use = "a backup does nothing until it is awaited"]
pub struct RedbBackup {
    store: RedbStore,
    path: PathBuf,
    progress: Option<Tell>,
}

/// The progress of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupProgress {
    /// Records that were copied, expired ones included.
    pub records: u64,
    /// The number of records at the backup's moment.
    pub total: u64,
    /// Bytes of keys and values that were copied.
    pub bytes: u64,
}

/// The result of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The number of its records, expired ones included.
    pub records: u64,
    /// The length of its file in bytes.
    pub file_bytes: u64,
}

impl RedbStore {
    /// Copies the store into a new file while it is in use. The copy is of one moment: it contains
    /// each commit as a whole or not at all, and every write that was acknowledged before the call.
    ///
    /// The file is written under another name in the same directory (`NAME.….partial`), and renamed
    /// to `path` when it is complete and on the disk. It replaces what was there. If the future is
    /// dropped, or the backup fails, the partial file is removed and `path` is as before. To
    /// restore, stop the program and copy the backup to the path of the store's file.
    ///
    /// The backup runs on a separate thread and blocks no other call. It reads the whole store
    /// once. Until it ends, the file grows with each write, because redb keeps the pages of the
    /// moment that is copied.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOptions`] if `path` is empty or the store's own file, and [`Error::Store`] if
    /// the file cannot be written, for example because the disk is full.
    ///
    /// ```
    /// # use kv_runtime::store::RedbStore;
    /// # async fn nightly(store: &RedbStore) -> kv_runtime::Result<()> {
    /// let report = store.backup("/var/backups/app.redb").progress(|it| println!("{}/{}", it.records, it.total)).await?;
    /// println!("{} records in {} bytes", report.records, report.file_bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backup(&self, path: impl Into<PathBuf>) -> RedbBackup {
        RedbBackup { store: self.clone(), path: path.into(), progress: None }
    }
}

impl RedbBackup {
    /// Calls `progress` on the backup's thread, every 8 MiB and at the end.
    pub fn progress(mut self, progress: impl FnMut(&BackupProgress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }
}

impl IntoFuture for RedbBackup {
    type Output = Result<BackupReport>;
    type IntoFuture = BoxFuture<'static, Result<BackupReport>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { store, path, progress } = self;
        Box::pin(async move {
            if path.as_os_str().is_empty() {
                let what = "the backup's path is empty; name a file, such as `backup.redb`";
                return Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() });
            }
            if is_same_file(&store.0.path, &path) {
                let what = "the backup's path is the store's own file; give it another one";
                return Err(Error::InvalidOptions { at: Location::file(NAME, &path), what: what.into() });
            }
            let work = move |reader: &Reader, caller: &Caller<BackupReport>| {
                let progress = progress.unwrap_or_else(|| Box::new(|_| ()));
                Backup { caller, path: &path, progressed: BackupProgress::default(), progress }.make(reader)
            };
            aside::run(&store.0.reader, "make a backup", work).await
        })
    }
}

impl fmt::Debug for RedbBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbBackup")
            .field("store", &self.store)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

struct Backup<'a> {
    caller: &'a Caller<BackupReport>,
    path: &'a Path,
    progressed: BackupProgress,
    progress: Tell,
}

/// The reason why a table was not copied.
enum Uncopied {
    Source(redb::Error),
    Copy(redb::Error),
    /// Nobody waits for the backup.
    Abandoned,
}

impl Backup<'_> {
    fn make(mut self, reader: &Reader) -> Result<BackupReport> {
        let partial = Partial::beside(self.path);
        let file = partial.create().map_err(|error| self.not_written(error))?;
        match self.copy(reader, file) {
            Ok(()) => {}
            Err(Uncopied::Source(error)) => {
                return Err(reader.damage.failed(Location::store(NAME), "read what it is to back up", error));
            }
            Err(Uncopied::Copy(redb::Error::Io(error))) => return Err(self.not_written(error)),
            Err(Uncopied::Copy(error)) => {
                return Err(Error::store(Location::file(NAME, self.path), "write a backup", false, error));
            }
            Err(Uncopied::Abandoned) => {
                let given_up = io::Error::from(io::ErrorKind::Interrupted);
                return Err(self.not_written(given_up));
            }
        }
        let file_bytes = partial.put_in_place(self.path).map_err(|error| self.not_written(error))?;
        file::sync_directory(self.path)?;
        (self.progress)(&self.progressed);
        Ok(BackupReport { records: self.progressed.records, file_bytes })
    }

    fn not_written(&self, error: io::Error) -> Error {
        file::not_written(self.path, "write a backup", error)
    }

    fn copy(&mut self, reader: &Reader, file: fs::File) -> Result<(), Uncopied> {
        let source = |error: redb::Error| Uncopied::Source(error);
        let copied = |error: redb::Error| Uncopied::Copy(error);
        let snapshot = reader.snapshot().map_err(source)?;
        let records = snapshot.open_table(RECORDS).map_err(|error| source(error.into()))?;
        let expiry = snapshot.open_table(EXPIRY).map_err(|error| source(error.into()))?;
        self.progressed.total = records.len().map_err(|error| source(error.into()))?;
        let backend = FileBackend::new(file).map_err(|error| copied(error.into()))?;
        let target = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend);
        let target = target.map_err(|error| copied(error.into()))?;
        file::create_tables(&target).map_err(copied)?;
        self.table(&records, RECORDS, &target, |progressed| progressed.records += 1)?;
        self.table(&expiry, EXPIRY, &target, |_| ())?;
        // The commits before this one are on the disk with it.
        target.begin_write().map_err(redb::Error::from).and_then(|end| Ok(end.commit()?)).map_err(copied)?;
        target.close().map_err(|error| copied(error.into()))
    }

    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        from: &ReadOnlyTable<K, V>,
        definition: TableDefinition<'static, K, V>,
        to: &Database,
        count: impl Fn(&mut BackupProgress),
    ) -> Result<(), Uncopied> {
        let mut entries = from.iter().map_err(|error| Uncopied::Source(error.into()))?;
        let mut is_done = false;
        while !is_done {
            let part = || -> Result<redb::WriteTransaction, redb::Error> {
                let mut part = to.begin_write()?;
                part.set_durability(Durability::None)?;
                Ok(part)
            };
            let part = part().map_err(Uncopied::Copy)?;
            let mut table = part.open_table(definition).map_err(|error| Uncopied::Copy(error.into()))?;
            let until = self.progressed.bytes.saturating_add(PART_BYTES);
            is_done = true;
            for entry in entries.by_ref() {
                if self.caller.is_gone() {
                    return Err(Uncopied::Abandoned);
                }
                let (key, value) = entry.map_err(|error| Uncopied::Source(error.into()))?;
                let bytes =
                    K::as_bytes(&key.value()).as_ref().len() + V::as_bytes(&value.value()).as_ref().len();
                table.insert(key.value(), value.value()).map_err(|error| Uncopied::Copy(error.into()))?;
                count(&mut self.progressed);
                self.progressed.bytes += bytes as u64;
                if self.progressed.bytes >= until {
                    is_done = false;
                    break;
                }
            }
            drop(table);
            part.commit().map_err(|error| Uncopied::Copy(error.into()))?;
            (self.progress)(&self.progressed);
        }
        Ok(())
    }
}

/// The file that becomes the backup. It is removed unless it is renamed into place.
struct Partial(PathBuf);

impl Partial {
    fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:016x}.partial", random::token()));
        Self(name.into())
    }

    fn create(&self) -> io::Result<fs::File> {
        fs::OpenOptions::new().read(true).write(true).create_new(true).open(&self.0)
    }

    /// Renames it into place once its bytes are on the disk, and returns its length.
    fn put_in_place(&self, path: &Path) -> io::Result<u64> {
        let file = fs::File::open(&self.0)?;
        file.sync_all()?;
        fs::rename(&self.0, path)?;
        Ok(file.metadata()?.len())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After it was put in place there is nothing under this name.
        let _ = fs::remove_file(&self.0);
    }
}
