//! The file: opening and creating it, and refusing files of other programs.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use kv_store::{Error, Location, Result};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, StorageError, TableDefinition,
    TableError,
};

use super::NAME;
use super::damage::{Damage, Panicked, SealableFile, foreign as damaged, unopenable};
use super::layout::{EXPIRY, RECORDS};
use super::read::OpenFile;

const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("kv_runtime");

/// The key in [`ABOUT`] of the layout's number.
const FORMAT_KEY: &str = "format";

/// The number of the layout that is written and read.
const FORMAT: u64 = 1;

/// What an open file holds.
enum Content {
    /// No table at all.
    Nothing,
    /// The tables of a store.
    Ours,
}

/// How redb shall open it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    pub(super) cache_bytes: Option<usize>,
    pub(super) checks_pages: bool,
    pub(super) read_only: bool,
}

/// The open file, and the state of its damage.
pub(super) fn open(path: &Path, opening: Opening) -> Result<(OpenFile, Damage)> {
    let damage = Damage::unknown(path);
    let opened = damage.caught(|| {
        if opening.read_only {
            return open_read_only(path, opening).map(|database| OpenFile::ReadOnly(Arc::new(database)));
        }
        open_trusted(path, opening, &damage).map(|database| OpenFile::Writable(Arc::new(database)))
    });
    match opened {
        Ok(opened) => opened.map(|file| (file, damage)),
        Err(Panicked) => Err(unopenable(path)),
    }
}

impl Opening {
    fn builder(self) -> Builder {
        let mut builder = Builder::new();
        builder.set_check_integrity_on_open(self.checks_pages);
        if let Some(bytes) = self.cache_bytes {
            builder.set_cache_size(bytes);
        }
        builder
    }
}

fn open_read_only(path: &Path, opening: Opening) -> Result<ReadOnlyDatabase> {
    let database = opening.builder().open_read_only(path).map_err(|error| match error {
        DatabaseError::RepairAborted => of_file(path, "open its file", error)
            .because("it was not closed cleanly; open it once for writing, which repairs it"),
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() == io::ErrorKind::NotFound => {
            of_file(path, "open its file", source)
                .because("there is no such file, and opening it for reading alone makes none")
        }
        error => open_error(path, error),
    })?;
    match content(path, &database)? {
        Content::Ours => Ok(database),
        Content::Nothing => Err(Error::ForeignFile {
            path: path.to_owned(),
            what: "it holds no store yet; open it once for writing".into(),
        }),
    }
}

fn open_trusted(path: &Path, opening: Opening, damage: &Damage) -> Result<Database> {
    let mut builder = opening.builder();
    builder.set_repair_callback(|repair| {
        tracing::warn!(
            progress = repair.progress(),
            "the redb file was not closed cleanly and is being repaired"
        );
    });
    let is_new = !has_begun(path);
    if !is_new {
        probe(path, &builder)?;
    }
    let database = create(path, &builder, damage)?;
    if let Content::Nothing = content(path, &database)? {
        create_tables(&database).map_err(|error| of_file(path, "create its tables", error))?;
    }
    if is_new {
        sync_directory(path)?;
    }
    Ok(database)
}

/// Whether there is a file, and it does not begin as one whose creation was interrupted.
fn has_begun(path: &Path) -> bool {
    let mut first = [0];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut first));
    read.is_ok_and(|len| len > 0 && first != [0])
}

/// Refuses a file that is not a store's before it is opened for writing, which would change it. A
/// file that was not closed properly cannot be examined without a change: redb repairs it first,
/// and it is refused then.
fn probe(path: &Path, builder: &Builder) -> Result<()> {
    match builder.open_read_only(path) {
        Ok(database) => content(path, &database).map(drop),
        Err(DatabaseError::RepairAborted) => Ok(()),
        Err(error) => Err(open_error(path, error)),
    }
}

fn create(path: &Path, builder: &Builder, damage: &Damage) -> Result<Database> {
    let opened = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(|error| not_opened(path, error))?;
    FileBackend::new(file)
        .and_then(|file| builder.create_with_backend(SealableFile::new(file, damage.clone())))
        .map_err(|error| open_error(path, error))
}

fn content(path: &Path, database: &impl ReadableDatabase) -> Result<Content> {
    let foreign = |what: &'static str| Error::ForeignFile { path: path.to_owned(), what: what.into() };
    let not_read = |error: redb::Error| match error {
        redb::Error::Corrupted(found) => damaged(path, &found),
        error => of_file(path, "read what the file holds", error),
    };
    let transaction = database.begin_read().map_err(|error| not_read(error.into()))?;
    let tables = transaction.list_tables().map_err(|error| not_read(error.into()))?.count();
    let multimaps = transaction.list_multimap_tables().map_err(|error| not_read(error.into()))?.count();
    if tables == 0 && multimaps == 0 {
        return Ok(Content::Nothing);
    }
    let others = || foreign("it is the redb database of another program; choose another path for the store");
    let about = match transaction.open_table(ABOUT) {
        Ok(about) => about,
        Err(TableError::Storage(error)) => return Err(not_read(error.into())),
        Err(_) => return Err(others()),
    };
    match about.get(FORMAT_KEY).map_err(|error| not_read(error.into()))?.map(|format| format.value()) {
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => {
            let what = format!(
                "it has format {newer}, and this program reads format {FORMAT}; open it with a newer program"
            );
            return Err(Error::ForeignFile { path: path.to_owned(), what: what.into() });
        }
        _ => return Err(others()),
    }
    for opened in [transaction.open_table(RECORDS).map(drop), transaction.open_table(EXPIRY).map(drop)] {
        match opened {
            Ok(()) => {}
            Err(TableError::Storage(error)) => return Err(not_read(error.into())),
            Err(_) => {
                return Err(foreign(
                    "its tables are not those of format 1; choose another path for the store",
                ));
            }
        }
    }
    Ok(Content::Ours)
}

pub(super) fn create_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(EXPIRY)?;
    transaction.open_table(ABOUT)?.insert(FORMAT_KEY, FORMAT)?;
    Ok(transaction.commit()?)
}

/// Makes the directory durable, because a new file's name is durable only with it.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(directory.unwrap_or(Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(|error| of_file(path, "make its file durable", error))?;
    }
    Ok(())
}

fn open_error(path: &Path, error: DatabaseError) -> Error {
    let foreign = |what: Cow<'static, str>| Error::ForeignFile { path: path.to_owned(), what };
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            Error::AlreadyOpen { path: path.to_owned() }
        }
        DatabaseError::UpgradeRequired(format) => foreign(
            format!("it has redb's own file format {format}, of redb 2 or before; redb 2.6's `Database::upgrade` brings it up")
                .into(),
        ),
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() == io::ErrorKind::InvalidData => {
            foreign("it is not a redb file; choose another path for the store".into())
        }
        DatabaseError::Storage(StorageError::Corrupted(found)) => damaged(path, &found),
        DatabaseError::Storage(StorageError::Io(source)) => not_opened(path, source),
        error => of_file(path, "open its file", error),
    }
}

/// Returns the error of opening the store's file.
fn not_opened(path: &Path, error: io::Error) -> Error {
    not_written(path, "open its file", error)
}

/// Returns the error of the operating system for a file, and what to do about it.
pub(super) fn not_written(path: &Path, action: &'static str, error: io::Error) -> Error {
    let why = match error.kind() {
        // A file that is not there is made.
        io::ErrorKind::NotFound => Some("its directory does not exist; make it first"),
        io::ErrorKind::NotADirectory => Some("a part of its path is not a directory; correct the path"),
        io::ErrorKind::IsADirectory => Some("it is a directory; add a file's name to the path"),
        io::ErrorKind::PermissionDenied => {
            Some("this user may not read and write it, or make it; change its rights or the path")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("its file system is read-only; take another path"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("the disk is full; free some of it")
        }
        _ => None,
    };
    let error = of_file(path, action, error);
    match why {
        Some(why) => error.because(why),
        None => error,
    }
}

fn of_file<E>(path: &Path, action: &'static str, error: E) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    Error::store(Location::file(NAME, path), action, false, error)
}
