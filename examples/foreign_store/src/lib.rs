//! A store over a directory: each record is a file.
//!
//! It is an example, and short: calls block their thread, a list reads the names of all files, and
//! there is no compare-and-swap.

mod file_name;

use std::fs;
use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use kv_runtime_store::key::Key;
use kv_runtime_store::record::{NewRecord, Record, Revision, envelope};
use kv_runtime_store::store::{
    Batch, Capabilities, Content, Cursor, Entry, EntryRef, GetOptions, Limits, ListPage, ListQuery, Sharing,
    Store, StoreExt, StoreInfo, Write,
};
use kv_runtime_store::{Clock, Error, Location, MaybeSend, Result};

/// The name of the store in errors.
const NAME: &str = "dir";

/// Records in the files of a directory. A file holds the envelope and the value behind it.
#[derive(Clone, Debug)]
pub struct DirStore {
    info: StoreInfo,
    directory: PathBuf,
}

impl DirStore {
    /// Opens the directory of a URL, such as `dir:/var/lib/app`, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if the URL has no path, and [`Error::Store`] if the directory cannot be
    /// made.
    pub async fn connect(url: &str) -> Result<Self> {
        match url.strip_prefix("dir:") {
            Some(path) if !path.is_empty() => Self::open(path, Clock::system()),
            _ => Err(Error::InvalidUrl { url: url.to_owned(), what: "write `dir:` and a path".into() }),
        }
    }

    /// Opens a directory, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the directory cannot be made.
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self> {
        let directory = path.as_ref().to_owned();
        let failed =
            |error| Error::store(Location::file(NAME, &directory), "make its directory", false, error);
        fs::create_dir_all(&directory).map_err(failed)?;
        let limits = Limits::new().key(file_name::LONGEST_KEY);
        let capabilities = Capabilities::new(Sharing::Shared).ordered().limits(limits);
        Ok(Self { info: StoreInfo::new(NAME, capabilities).with_clock(clock), directory })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(file_name::of(key.as_str()))
    }

    fn read_file(&self, key: &Key) -> Result<Option<Record>> {
        let bytes = match fs::read(self.path(key)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(key, "read the record", error)),
        };
        let record =
            envelope::open(bytes.into()).map_err(|damage| damage.into_error(self.info.at(Some(key))))?;
        Ok(Some(record).filter(|record| record.expires_at.is_none_or(|at| at > self.clock().now())))
    }

    fn apply(&self, write: Write) -> Result<()> {
        match write {
            Write::Put(key, record) => self.write_file(&key, &record),
            Write::Delete(key) => match fs::remove_file(self.path(&key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(self.failed(&key, "delete the record", error))
                }
                _ => Ok(()),
            },
            other => Err(Error::Unsupported {
                at: self.info.at(Some(other.key())),
                capability: "compare-and-swap",
            }),
        }
    }

    /// Writes a second file and renames it, so that no reader sees half a record.
    fn write_file(&self, key: &Key, record: &NewRecord) -> Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let expires_at = record.expiry.at(self.clock().now());
        let (mut bytes, token) = (Vec::new(), Revision::random().token().unwrap_or_default());
        let too_long =
            |len| Error::MetadataTooLong { at: self.info.at(Some(key)), len, max: usize::from(u16::MAX) };
        envelope::write(&record.metadata, expires_at, token, &mut bytes).map_err(too_long)?;
        bytes.extend_from_slice(&record.value);
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let unfinished = self.directory.join(format!("{}{process}.{number}", file_name::UNFINISHED));
        fs::write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, self.path(key)))
            .map_err(|error| self.failed(key, "write the record", error))
    }

    fn keys(&self, query: &ListQuery) -> Result<Vec<Key>> {
        let failed = |error| self.failed(query.prefix(), "list records", error);
        let mut keys = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            keys.extend(name.to_str().and_then(file_name::key_of).filter(|key| query.matches(key)));
        }
        keys.sort_unstable();
        Ok(keys.into_iter().map(Key::from_text).collect())
    }

    fn failed(&self, key: &Key, action: &'static str, error: io::Error) -> Error {
        Error::store(self.info.at(Some(key)), action, false, error)
    }
}

impl Store for DirStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        self.read_file(key)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        batch.one_by_one(&self.info, |write| ready(self.apply(write))).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let after = query.position(NAME)?;
        let (mut page, mut bytes) = (ListPage::default(), 0);
        let keys = self.keys(query)?;
        for key in keys.iter().filter(|key| after.is_none_or(|after| key.as_str() > after)) {
            let entry = match (self.read_file(key), query.content()) {
                (Ok(None), _) => continue,
                (Ok(Some(_)), Content::Keys) => Entry::Key,
                (Ok(Some(record)), Content::Heads) => Entry::Head(record.into()),
                (Ok(Some(record)), _) => {
                    bytes += record.value.len();
                    Entry::Record(record)
                }
                (Err(error), _) => Entry::Failed(error),
            };
            page.push(key.as_str(), entry);
            bytes += key.len();
            if page.len() == query.limit() || bytes >= query.max_bytes() {
                page.cursor = Some(query.cursor_at(key.as_str()));
                break;
            }
        }
        Ok(page.lend(each).await)
    }
}
