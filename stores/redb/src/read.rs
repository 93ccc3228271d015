//! Reads, on the caller's thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use kv_store::__private::{
    Fences,
    coop::{self, Hold},
};
use kv_store::key::Key;
use kv_store::record::{
    Record, Revision,
    envelope::{self, Envelope, EnvelopeError},
};
use kv_store::store::GetOptions;
use kv_store::{Clock, Error, Location, Result, Timestamp};
use redb::{Database, OwnedAccessGuard, ReadOnlyDatabase, ReadOnlyTable, ReadTransaction, ReadableDatabase};
use tokio::sync::Notify;

use super::NAME;
use super::damage::Damage;
use super::layout::RECORDS;

pub(super) type Records = ReadOnlyTable<&'static str, &'static [u8]>;

/// The open file and its readers.
pub(super) struct Reader {
    latest: RwLock<Latest>,
    /// Woken when reads may go on.
    resumed: Notify,
    /// None once it is closed.
    file: RwLock<Option<OpenFile>>,
    /// How many long reads are in progress.
    snapshots: AtomicUsize,
    pub(super) clock: Clock,
    pub(super) damage: Damage,
    /// The fences, which the writer voids when it writes their keys.
    pub(super) fences: Arc<Fences>,
}

/// The file as it was opened.
#[derive(Clone)]
pub(super) enum OpenFile {
    Writable(Arc<Database>),
    ReadOnly(Arc<ReadOnlyDatabase>),
}

impl OpenFile {
    fn is_shared(&self) -> bool {
        match self {
            Self::Writable(database) => Arc::strong_count(database) > 1,
            Self::ReadOnly(database) => Arc::strong_count(database) > 1,
        }
    }
}

/// The records as the last commit left them. To begin a transaction and to open a table costs more
/// than half as much again as to read one record, so that is done by the first read after a commit.
enum Latest {
    Unopened,
    Open(Arc<Records>),
    /// A call needs the file alone, so reads wait.
    Paused,
}

/// A longer record is not copied out of its page. While its value is held, the file keeps the pages
/// of that moment.
const LENT: usize = 64 << 10;

/// A page that keeps its transaction.
struct Lent(OwnedAccessGuard<&'static [u8]>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.value()
    }
}

/// A long read of one moment. While there is one, the file is not compacted.
pub(super) struct Snapshot<'a> {
    transaction: ReadTransaction,
    reader: &'a Reader,
}

/// How long to wait for the holders of the database. Each holds it for one call of redb.
const SHARED_FOR: Duration = Duration::from_millis(1);

impl Reader {
    pub(super) fn new(file: OpenFile, clock: Clock, damage: Damage) -> Self {
        Self {
            latest: RwLock::new(Latest::Unopened),
            resumed: Notify::new(),
            file: RwLock::new(Some(file)),
            snapshots: AtomicUsize::new(0),
            clock,
            damage,
            fences: Arc::default(),
        }
    }

    /// The file, if it was opened for writing.
    pub(super) fn database(&self) -> Result<Arc<Database>, redb::Error> {
        match self.open_file()? {
            OpenFile::Writable(database) => Ok(database),
            OpenFile::ReadOnly(_) => Err(redb::Error::DatabaseClosed),
        }
    }

    fn open_file(&self) -> Result<OpenFile, redb::Error> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        file.clone().ok_or(redb::Error::DatabaseClosed)
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(match self.open_file()? {
            OpenFile::Writable(database) => database.begin_read()?,
            OpenFile::ReadOnly(database) => database.begin_read()?,
        })
    }

    /// Returns the database, for a thread that may wait while the file is compacted.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, redb::Error> {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
        match self.begin_read() {
            Ok(transaction) => Ok(Snapshot { transaction, reader: self }),
            Err(error) => {
                self.snapshots.fetch_sub(1, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    pub(super) fn has_snapshots(&self) -> bool {
        self.snapshots.load(Ordering::SeqCst) > 0
    }

    /// Runs work that needs the file for itself. Reads that begin meanwhile wait for its end.
    pub(super) fn exclusively<T>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        *self.latest_mut() = Latest::Paused;
        let _resume = Resume(self);
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        let Some(OpenFile::Writable(database)) = &mut *file else {
            return Err(redb::Error::DatabaseClosed);
        };
        // Nobody can come to share it under the lock, and nobody who shares it waits.
        while Arc::get_mut(database).is_none() {
            thread::sleep(SHARED_FOR);
        }
        match Arc::get_mut(database) {
            Some(database) => work(database),
            None => Err(redb::Error::TransactionInProgress),
        }
    }

    /// Closes the file. Long work that nobody waits for any more may still hold the reader, and fails.
    pub(super) fn close(&self) {
        // A table must not outlive its database; and to close the database may mean to write to it.
        let latest = std::mem::replace(&mut *self.latest_mut(), Latest::Unopened);
        let file = self.file.write().unwrap_or_else(PoisonError::into_inner).take();
        // Nobody can come to share it any more, and nobody who shares it waits.
        while file.as_ref().is_some_and(OpenFile::is_shared) {
            thread::sleep(SHARED_FOR);
        }
        // A panic is known as damage now, and there is nobody to tell.
        let _ = self.damage.caught(|| drop((latest, file)));
    }

    /// For the writer, between a commit and its acknowledgement: what is read from now on is read
    /// from that commit. It also frees the pages that only the old table needed.
    pub(super) fn forget_latest(&self) {
        *self.latest_mut() = Latest::Unopened;
    }

    fn latest_mut(&self) -> RwLockWriteGuard<'_, Latest> {
        self.latest.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the records as the last commit left them, or `None` while reads have to wait.
    fn latest(&self) -> Result<Option<Arc<Records>>, redb::Error> {
        match &*self.latest.read().unwrap_or_else(PoisonError::into_inner) {
            Latest::Open(records) => return Ok(Some(Arc::clone(records))),
            Latest::Paused => return Ok(None),
            Latest::Unopened => {}
        }
        let mut latest = self.latest_mut();
        match &*latest {
            Latest::Open(records) => return Ok(Some(Arc::clone(records))),
            Latest::Paused => return Ok(None),
            Latest::Unopened => {}
        }
        // Under the lock, so that a commit is either seen here or forgets what is stored here.
        let records = Arc::new(self.begin_read()?.open_table(RECORDS)?);
        *latest = Latest::Open(Arc::clone(&records));
        Ok(Some(records))
    }

    /// Returns the records as the last commit left them. Waits while the file is compacted.
    pub(super) async fn records(
        &self,
        at: impl Fn() -> Box<Location>,
        action: &'static str,
    ) -> Result<Arc<Records>> {
        let latest = || {
            let latest = || self.latest().map_err(|error| self.damage.failed(at(), action, error));
            self.damage.reading(&at, action, latest)
        };
        loop {
            if let Some(records) = latest()? {
                return Ok(records);
            }
            let resumed = self.resumed.notified();
            // It hears of the end from here on, so the end cannot slip between the look and the
            // wait.
            if let Some(records) = latest()? {
                return Ok(records);
            }
            resumed.await;
        }
    }

    pub(super) async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        let at = || Location::of(NAME, key);
        let records = self.records(at, "read").await?;
        if !options.value {
            return self.damage.reading(at, "read", || self.head(&records, key));
        }
        self.damage.reading(at, "read", || {
            let copied = self.find(
                &records,
                key,
                || self.clock.now(),
                |envelope, stored| match stored.len() {
                    ..LENT => Some(record(envelope, stored, Bytes::copy_from_slice)),
                    LENT.. => None,
                },
            )?;
            match copied {
                Some(Some(copied)) => Ok(Some(copied)),
                Some(None) => self.lend(&records, key),
                None => Ok(None),
            }
        })
    }

    /// Returns a record whose value stays in redb's page.
    fn lend(&self, records: &Records, key: &Key) -> Result<Option<Record>> {
        let found = records.get_owned(key.as_str());
        let found = found.map_err(|error| self.not_read(Location::of(NAME, key), error.into()))?;
        let Some(stored) = found.map(|page| Bytes::from_owner(Lent(page))) else { return Ok(None) };
        envelope::open(stored).map(Some).map_err(|damage| damage.into_error(Location::of(NAME, key)))
    }

    /// Reads all of one moment, also after a yield.
    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let at = || Location::store(NAME);
        let records = self.records(at, "read").await?;
        // One look at the clock for all: else one group of an entity could expire between two.
        let now = self.clock.now();
        let mut found = Vec::with_capacity(keys.len());
        loop {
            self.damage.reading(at, "read", || self.find_some(&records, keys, now, &mut found))?;
            if found.len() == keys.len() {
                return Ok(found);
            }
            coop::yield_now().await;
        }
    }

    /// Returns a record of a snapshot.
    pub(super) fn one_of(&self, records: &Records, key: &Key) -> Result<Option<Record>> {
        let (now, mut found) = (self.clock.now(), Vec::new());
        let (at, keys) = (|| Location::of(NAME, key), std::slice::from_ref(key));
        self.damage.reading(at, "read", || self.find_some(records, keys, now, &mut found))?;
        Ok(found.pop().flatten())
    }

    /// Continues with the records that were found, until other tasks shall run.
    fn find_some(
        &self,
        records: &Records,
        keys: &[Key],
        now: Timestamp,
        found: &mut Vec<Option<Record>>,
    ) -> Result<()> {
        let mut hold = Hold::begin();
        for key in keys.iter().skip(found.len()) {
            let mut bytes = key.len();
            let copied = self.find(
                records,
                key,
                || now,
                |envelope, stored| {
                    bytes += stored.len();
                    record(envelope, stored, Bytes::copy_from_slice)
                },
            )?;
            found.push(copied);
            if hold.is_long_after(bytes) {
                break;
            }
        }
        Ok(())
    }

    /// Returns a record without its value.
    fn head(&self, records: &Records, key: &Key) -> Result<Option<Record>> {
        self.find(records, key, || self.clock.now(), |envelope, _| record(envelope, &[], |_| Bytes::new()))
    }

    fn not_read(&self, at: Box<Location>, error: redb::Error) -> Error {
        self.damage.failed(at, "read", error)
    }

    /// Returns the result of `shape` for the record under `key`, if it has not expired at the
    /// moment that `now` returns.
    fn find<T>(
        &self,
        records: &Records,
        key: &Key,
        now: impl FnOnce() -> Timestamp,
        shape: impl FnOnce(Envelope, &[u8]) -> T,
    ) -> Result<Option<T>> {
        let found = records
            .get(key.as_str())
            .map_err(|error| self.not_read(Location::of(NAME, key), error.into()))?;
        let Some(found) = found else { return Ok(None) };
        let stored = found.value();
        let envelope = envelope::read(stored).map_err(|damage| damage.into_error(Location::of(NAME, key)))?;
        if envelope.expires_at.is_some_and(|at| at <= now()) {
            return Ok(None);
        }
        Ok(Some(shape(envelope, stored)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::ops::Deref for Snapshot<'_> {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        &self.transaction
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        self.reader.snapshots.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets reads go on, after a panic, too.
struct Resume<'a>(&'a Reader);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.0.forget_latest();
        self.0.resumed.notify_waiters();
    }
}

/// Makes a record from its envelope and its bytes. `copy` copies the value out of the page.
pub(super) fn record(envelope: Envelope, stored: &[u8], copy: impl FnOnce(&[u8]) -> Bytes) -> Record {
    let value = copy(stored.get(envelope.value_at..).unwrap_or_default());
    let revision = match envelope.token {
        Some(token) => Revision::from_token(token),
        None => Revision::from_plain(value.clone()),
    };
    Record::new(value, envelope.metadata, revision).with_expires_at(envelope.expires_at)
}

/// Returns the envelope, unless the record has expired.
pub(super) fn live(stored: &[u8], now: Timestamp) -> Result<Option<Envelope>, EnvelopeError> {
    Ok(Some(envelope::read(stored)?).filter(|envelope| envelope.expires_at.is_none_or(|at| at > now)))
}
