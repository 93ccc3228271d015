//! Reads, on the caller's thread.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase};

use super::NAME;
use super::damage::Damage;
use super::file::RECORDS;
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::envelope::{self, Envelope, EnvelopeError};
use crate::record::{Head, Record, Revision};
use crate::store::Fences;

pub(super) type Records = ReadOnlyTable<&'static str, &'static [u8]>;

/// The file, open, and how it is read.
pub(super) struct Reader {
    /// The records as the last commit left them, opened by the first read after it. To begin a transaction and to open a table
    /// costs more than half as much again as to read one record.
    latest: RwLock<Option<Arc<Records>>>,
    /// Open for as long as the reader lives.
    database: Option<Database>,
    clock: Clock,
    damage: Damage,
    fences: Arc<Fences>,
}

impl Reader {
    pub(super) fn new(database: Database, clock: Clock, damage: Damage) -> Self {
        Self { latest: RwLock::default(), database: Some(database), clock, damage, fences: Arc::default() }
    }

    pub(super) fn database(&self) -> Result<&Database, redb::Error> {
        self.database.as_ref().ok_or(redb::Error::DatabaseClosed)
    }

    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Void as soon as the writer has written their key.
    pub(super) fn fences(&self) -> &Arc<Fences> {
        &self.fences
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// For the writer, between a commit and its acknowledgement: what is read from now on is read from that commit. It also frees
    /// the pages that only the old table needed.
    pub(super) fn forget_latest(&self) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The records as the last commit left them.
    pub(super) fn latest(&self) -> Result<Arc<Records>, redb::Error> {
        if let Some(records) = &*self.latest.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(records));
        }
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = &*latest {
            return Ok(Arc::clone(records));
        }
        // Under the lock, so that a commit is either seen here or forgets what is stored here.
        let records = Arc::new(self.database()?.begin_read()?.open_table(RECORDS)?);
        *latest = Some(Arc::clone(&records));
        Ok(records)
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.damage.reading(
            || Location::of(NAME, key),
            "read",
            || {
                let records = self.latest().map_err(|error| self.not_read(Location::of(NAME, key), error))?;
                let now = || self.clock.now();
                self.find(&records, key, now, |envelope, stored| {
                    record(envelope, stored, Bytes::copy_from_slice)
                })
            },
        )
    }

    pub(super) fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.damage.reading(
            || Location::store(NAME),
            "read",
            || {
                let records = self.latest().map_err(|error| self.not_read(Location::store(NAME), error))?;
                // One moment for all: else one group of an entity could expire between two looks at the clock.
                let now = self.clock.now();
                let get = |key| {
                    self.find(
                        &records,
                        key,
                        || now,
                        |envelope, stored| record(envelope, stored, Bytes::copy_from_slice),
                    )
                };
                keys.iter().map(get).collect()
            },
        )
    }

    pub(super) fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.damage.reading(
            || Location::of(NAME, key),
            "read",
            || {
                let records = self.latest().map_err(|error| self.not_read(Location::of(NAME, key), error))?;
                let now = || self.clock.now();
                self.find(&records, key, now, |envelope, _| Head::new(envelope.metadata, envelope.expires_at))
            },
        )
    }

    fn not_read(&self, at: Box<Location>, error: redb::Error) -> Error {
        self.damage.failed(at, "read", error)
    }

    /// What `shape` makes of the record under `key`, if it has not expired at the moment that `now` tells.
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
        // A table must not outlive its database; and to close the database may mean to write to it.
        let (latest, database) = (self.latest.get_mut(), self.database.take());
        let latest = latest.unwrap_or_else(PoisonError::into_inner).take();
        // A panic is known as damage now, and there is nobody to tell.
        let _ = self.damage.caught(|| drop((latest, database)));
    }
}

/// A record from its envelope and all that is stored; `copy` takes the value out of the page.
pub(super) fn record(envelope: Envelope, stored: &[u8], copy: impl FnOnce(&[u8]) -> Bytes) -> Record {
    let value = copy(stored.get(envelope.value_at..).unwrap_or_default());
    let revision = match envelope.token {
        Some(token) => Revision::from_token(token),
        None => Revision::from_plain(value.clone()),
    };
    Record::new(value, envelope.metadata, revision).with_expires_at(envelope.expires_at)
}

/// The envelope of what is stored, unless the record has expired.
pub(super) fn live(stored: &[u8], now: Timestamp) -> Result<Option<Envelope>, EnvelopeError> {
    Ok(Some(envelope::read(stored)?).filter(|envelope| envelope.expires_at.is_none_or(|at| at > now)))
}
