//! The file: what it must be to be ours, and how it begins.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition, TableError,
    TableHandle,
};

use super::{NAME, failed};
use crate::error::{Error, Location, Result};

pub(super) const RECORDS: TableDefinition<&str, &[u8]> = TableDefinition::new("records");
pub(super) const EXPIRY: TableDefinition<(u64, &str), ()> = TableDefinition::new("expiry");
const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("kv_runtime");

/// The key in [`ABOUT`] under which the number of the layout stands.
const FORMAT_KEY: &str = "format";

/// The layout that is written and read.
const FORMAT: u64 = 1;

/// What an open file holds.
enum Content {
    /// No table at all.
    Nothing,
    /// Our tables.
    Ours,
}

pub(super) fn open(path: &Path, cache_bytes: Option<usize>) -> Result<Database> {
    let mut builder = Builder::new();
    if let Some(bytes) = cache_bytes {
        builder.set_cache_size(bytes);
    }
    builder.set_repair_callback(|repair| {
        tracing::warn!(
            progress = repair.progress(),
            "the redb file was not closed in order and is being repaired"
        );
    });
    let is_new = fs::metadata(path).map_or(true, |file| file.len() == 0);
    if !is_new {
        probe(path, &builder)?;
    }
    let database = builder.create(path).map_err(|error| told(path, error))?;
    if let Content::Nothing = content(path, &database)? {
        create_tables(&database)
            .map_err(|error| failed(Location::store(NAME), "create its tables", error))?;
    }
    if is_new {
        sync_directory(path)?;
    }
    Ok(database)
}

/// Refuses a file that is not ours before it is opened for writing, which would change it. One that was not closed in order
/// cannot be looked at unchanged: redb repairs it first, and it is refused after that.
fn probe(path: &Path, builder: &Builder) -> Result<()> {
    match builder.open_read_only(path) {
        Ok(database) => content(path, &database).map(drop),
        Err(DatabaseError::RepairAborted) => Ok(()),
        Err(error) => Err(told(path, error)),
    }
}

fn content(path: &Path, database: &impl ReadableDatabase) -> Result<Content> {
    let foreign = |what: &'static str| Error::ForeignFile { path: path.to_owned(), what: what.into() };
    let not_read = |error: redb::Error| failed(Location::store(NAME), "read what the file holds", error);
    let transaction = database.begin_read().map_err(|error| not_read(error.into()))?;
    let mut tables = transaction.list_tables().map_err(|error| not_read(error.into()))?.peekable();
    let multimaps = transaction.list_multimap_tables().map_err(|error| not_read(error.into()))?.count();
    if tables.peek().is_none() && multimaps == 0 {
        return Ok(Content::Nothing);
    }
    let others = || foreign("it is the redb database of another program");
    if !tables.any(|table| table.name() == "kv_runtime") {
        return Err(others());
    }
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
            Err(_) => return Err(foreign("its tables are not those of format 1")),
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

/// A new file's name is durable only when its directory is.
fn sync_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(directory.unwrap_or(Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(|source| not_opened(path, FileCause::Io(source)))?;
    }
    Ok(())
}

fn told(path: &Path, error: DatabaseError) -> Error {
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
            foreign("it is not a redb file".into())
        }
        DatabaseError::Storage(StorageError::Io(source)) => not_opened(path, FileCause::Io(source)),
        error => not_opened(path, FileCause::Redb(error)),
    }
}

fn not_opened(path: &Path, cause: FileCause) -> Error {
    Error::store(Location::store(NAME), "open its file", false, FileError { path: path.to_owned(), cause })
}

/// Which file cannot be opened, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
struct FileError {
    path: PathBuf,
    #[source]
    cause: FileCause,
}

#[derive(Debug, thiserror::Error)]
enum FileCause {
    #[error(transparent)]
    Io(io::Error),
    #[error(transparent)]
    Redb(DatabaseError),
}
