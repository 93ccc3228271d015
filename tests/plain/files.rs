//! A store over the files that other programs keep: each record is a file, and its text is the value.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, Record, Revision};
use kv_runtime::store::{
    AtomicStore, Batch, Capabilities, Commit, Condition, Content, Cursor, Entry, EntryRef, Expect,
    GetOptions, ListPage, ListQuery, Sharing, Store, StoreExt, StoreInfo, Write,
};
use kv_runtime::{Error, MaybeSend, Result};

/// The key `a:b` is the file `a/b`. Commits are atomic within this process only, so the other program
/// must not run at the same time.
pub struct FileStore {
    info: StoreInfo,
    directory: PathBuf,
    commits: Mutex<()>,
}

impl FileStore {
    pub fn new(directory: &Path) -> Self {
        let capabilities = Capabilities::new(Sharing::Exclusive).compare_and_swap().ordered().plain_records();
        let info = StoreInfo::new("files", capabilities);
        Self { info, directory: directory.to_owned(), commits: Mutex::new(()) }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.directory.join(key.replace(':', "/"))
    }

    fn failed(&self, key: &Key, action: &'static str, error: io::Error) -> Error {
        Error::store(self.info.at(Some(key)), action, false, error)
    }

    fn read_file(&self, key: &Key) -> Result<Option<Record>> {
        match fs::read(self.path(key.as_str())) {
            Ok(bytes) => {
                let revision = Revision::from_plain(bytes.clone().into());
                Ok(Some(Record::new(bytes, Metadata::default(), revision)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(key, "read", error)),
        }
    }

    fn apply(&self, write: Write) -> Result<()> {
        match write {
            Write::Put(key, record) | Write::Update(key, record) if record.is_plain => {
                let path = self.path(key.as_str());
                let parent = path.parent().unwrap_or(&self.directory);
                fs::create_dir_all(parent)
                    .and_then(|()| fs::write(&path, &*record.value))
                    .map_err(|error| self.failed(&key, "write", error))
            }
            Write::Delete(key) => match fs::remove_file(self.path(key.as_str())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(self.failed(&key, "delete", error))
                }
                _ => Ok(()),
            },
            other => Err(Error::Unsupported {
                at: self.info.at(Some(other.key())),
                capability: "records with metadata",
            }),
        }
    }

    fn files(&self, below: &Path, found: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
        for file in fs::read_dir(below)? {
            let path = file?.path();
            if path.is_dir() {
                self.files(&path, found)?;
            } else if let Ok(name) = path.strip_prefix(&self.directory) {
                found.insert(name.to_string_lossy().replace('/', ":"), path);
            }
        }
        Ok(())
    }
}

impl Store for FileStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        self.read_file(key)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        batch.one_by_one(&self.info, |write| std::future::ready(self.apply(write))).await
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let _one_at_a_time = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, Condition { key, expect, .. }) in conditions.iter().enumerate() {
            let found = self.read_file(key)?;
            let holds = match expect {
                Expect::Absent => found.is_none(),
                Expect::Present => found.is_some(),
                Expect::Revision(revision) => found.is_some_and(|record| record.revision == *revision),
            };
            if !holds {
                return Ok(Commit::Conflict(place));
            }
        }
        batch.into_iter().try_for_each(|write| self.apply(write)).map(|()| Commit::Done)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let after = query.position(self.name())?;
        let mut files = BTreeMap::new();
        self.files(&self.directory, &mut files)
            .map_err(|error| self.failed(query.prefix(), "list", error))?;
        let mut page = ListPage::default();
        for key in files.keys().filter(|key| after.is_none_or(|after| key.as_str() > after)) {
            if !query.matches(key) {
                continue;
            }
            let entry = match (self.read_file(&Key::from_text(key.as_str()))?, query.content()) {
                (None, _) => continue,
                (Some(_), Content::Keys) => Entry::Key,
                (Some(record), Content::Heads) => Entry::Head(record.into()),
                (Some(record), _) => Entry::Record(record),
            };
            page.push(key, entry);
            if page.len() == query.limit() {
                page.cursor = Some(query.cursor_at(key));
                break;
            }
        }
        Ok(page.lend(each).await)
    }
}

impl AtomicStore for FileStore {}
