//! One piece of work on the tables of a write transaction.

use kv_store::__private::random;
use kv_store::key::Key;
use kv_store::record::{
    Expiry, Metadata, NewRecord,
    envelope::{self, Envelope},
};
use kv_store::store::{Batch, Condition, Expect, Write};
use kv_store::{Error, Location, Timestamp};
use redb::{ReadableTable, Table, WriteTransaction};

use super::NAME;
use super::fill::filling;
use super::layout::{EXPIRY, RECORDS};
use super::read::live;
use super::work::{Done, SweepReport, Work};

/// The tables of a write transaction, and the moment that it takes place at.
pub(super) struct Tables<'t> {
    records: Table<'t, &'static str, &'static [u8]>,
    expiry: Table<'t, (u64, &'static str), ()>,
    /// The moment of the work that follows.
    pub(super) now: Timestamp,
    /// What is about to be stored; kept for its memory.
    stored: &'t mut Vec<u8>,
    /// How many records were written or removed.
    pub(super) changed: u64,
}

/// Why a piece of work was not done.
pub(super) enum Failure {
    /// The fault of this piece alone.
    Own(Error),
    /// The transaction's: nothing in it can be done.
    Engine(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

/// Whether a condition holds, and what stands at its key then.
enum Held {
    Not,
    By(Option<KeptExpiry>),
}

/// What an update keeps of the record that it replaces.
#[derive(Clone, Copy)]
struct KeptExpiry {
    expires_at: Option<Timestamp>,
}

impl KeptExpiry {
    fn of(envelope: Envelope) -> Self {
        Self { expires_at: envelope.expires_at }
    }
}

/// The longest value that is stored. redb takes 3 GiB, the envelope included.
const MAX_VALUE: usize = 2 << 30;

/// A longer buffer is not kept for the next record.
const KEPT_BUFFER: usize = 1 << 20;

impl<'t> Tables<'t> {
    pub(super) fn of(
        transaction: &'t WriteTransaction,
        stored: &'t mut Vec<u8>,
    ) -> Result<Self, redb::Error> {
        let (records, expiry) = (transaction.open_table(RECORDS)?, transaction.open_table(EXPIRY)?);
        Ok(Self { records, expiry, now: Timestamp::MAX, stored, changed: 0 })
    }

    pub(super) fn make(&mut self, work: &Work) -> Result<Done, Failure> {
        match work {
            Work::Write(conditions, batch) => {
                let found = match self.find_all(conditions)? {
                    Ok(found) => found,
                    Err(conflict) => return Ok(conflict),
                };
                if work.is_checked() {
                    self.write_checked(batch)?;
                } else {
                    self.write_in_order(batch, conditions, &found)?;
                }
            }
            Work::Sweep(limit) => return self.sweep(*limit).map(Done::Swept),
            Work::Flush | Work::Compact => {}
            #[cfg(test)]
            Work::Panic => panic!("the writer was asked to panic"),
            #[cfg(test)]
            Work::Raw(key, stored) => {
                self.records.insert(key.as_str(), stored.as_slice())?;
                self.changed += 1;
            }
        }
        Ok(Done::Written)
    }

    /// By key, so that one page after the other is changed. None is made unless all can be.
    fn write_checked(&mut self, batch: &Batch) -> Result<(), Failure> {
        let mut writes = Vec::with_capacity(batch.len());
        for write in batch.iter() {
            if let Write::Put(key, record) = write {
                check(key, record).map_err(Failure::Own)?;
            }
            writes.push(write);
        }
        // Stable: of two with one key the later one comes later.
        writes.sort_by(|one, next| one.key().cmp(next.key()));
        if writes.is_sorted_by(|one, next| one.key() < next.key()) {
            // So that they fill their pages.
            return filling(&writes).try_for_each(|write| self.write(write));
        }
        writes.into_iter().try_for_each(|write| self.write(write))
    }

    fn write_in_order(
        &mut self,
        batch: &Batch,
        conditions: &[Condition],
        found: &[Option<KeptExpiry>],
    ) -> Result<(), Failure> {
        let (mut ascend, mut before) = (true, None);
        for (place, write) in batch.iter().enumerate() {
            ascend &= before.replace(write.key()).is_none_or(|before| before < write.key());
            match (write, conditions.get(place)) {
                // What it replaces is what the condition beside it has just found, for no write
                // before it has this key.
                (Write::Update(key, record), Some(condition)) if ascend && condition.key == *key => {
                    self.update(key, record, found[place])?;
                }
                _ => self.write(write)?,
            }
        }
        Ok(())
    }

    /// Returns what stands at the keys of the conditions, or the conflict if one does not hold.
    fn find_all(&self, conditions: &[Condition]) -> Result<Result<Vec<Option<KeptExpiry>>, Done>, Failure> {
        let mut found = Vec::with_capacity(conditions.len());
        for (place, condition) in conditions.iter().enumerate() {
            match self.holds(condition)? {
                Held::Not => return Ok(Err(Done::Conflict(place))),
                Held::By(standing) => found.push(standing),
            }
        }
        Ok(Ok(found))
    }

    fn holds(&self, condition: &Condition) -> Result<Held, Failure> {
        let key = &condition.key;
        if condition.lease.as_ref().is_some_and(|lease| !lease.holds_here()) {
            return Ok(Held::Not);
        }
        let Some(stored) = self.records.get(key.as_str())? else {
            let holds = matches!(condition.expect, Expect::Absent);
            return Ok(if holds { Held::By(None) } else { Held::Not });
        };
        let stored = stored.value();
        let standing = live(stored, self.now).map_err(|damage| damaged(damage, key))?;
        let holds = match (&condition.expect, &standing) {
            (Expect::Absent, standing) => standing.is_none(),
            (Expect::Present, standing) => standing.is_some(),
            (Expect::Revision(revision), Some(envelope)) => match envelope.token {
                Some(token) => revision.token() == Some(token),
                None => revision.plain().is_some_and(|plain| plain == stored),
            },
            (Expect::Revision(_), None) => false,
        };
        Ok(if holds { Held::By(standing.map(KeptExpiry::of)) } else { Held::Not })
    }

    fn write(&mut self, write: &Write) -> Result<(), Failure> {
        match write {
            Write::Put(key, record) => self.put(key, record, record.expiry.at(self.now)),
            Write::Update(key, record) => {
                let standing = self.standing(key)?;
                self.update(key, record, standing)
            }
            Write::Touch(key, expiry) => self.touch(key, *expiry),
            Write::Delete(key) => self.remove(key.as_str()),
            Write::AddEntry(key) => self.add_entry(key.as_str()),
            Write::RemoveEntry(key) => self.remove(key.as_str()),
        }
    }

    /// An entry of an index is a key without envelope and value.
    fn add_entry(&mut self, key: &str) -> Result<(), Failure> {
        self.records.insert(key, [].as_slice())?;
        self.changed += 1;
        Ok(())
    }

    fn standing(&self, key: &Key) -> Result<Option<KeptExpiry>, Failure> {
        let Some(stored) = self.records.get(key.as_str())? else { return Ok(None) };
        let standing = live(stored.value(), self.now).map_err(|damage| damaged(damage, key))?;
        Ok(standing.map(KeptExpiry::of))
    }

    /// Writes a record that expires when the one expires that it replaces.
    fn update(&mut self, key: &Key, record: &NewRecord, replaced: Option<KeptExpiry>) -> Result<(), Failure> {
        let expires_at = match replaced {
            Some(standing) => standing.expires_at,
            None => record.expiry.at(self.now),
        };
        self.put(key, record, expires_at)
    }

    fn put(&mut self, key: &Key, record: &NewRecord, expires_at: Option<Timestamp>) -> Result<(), Failure> {
        if expires_at.is_some_and(|at| at <= self.now) {
            return self.remove(key.as_str());
        }
        check_expiry(key, record, expires_at.is_some()).map_err(Failure::Own)?;
        self.clear();
        envelope::begin(record, expires_at, random::token(), self.stored, || Location::of(NAME, key))
            .map_err(Failure::Own)?;
        self.stored.extend_from_slice(&record.value);
        self.store(key.as_str(), expires_at)
    }

    fn clear(&mut self) {
        self.stored.clear();
        self.stored.shrink_to(KEPT_BUFFER);
    }

    /// Begins what is to be stored with its envelope.
    fn encode(
        &mut self,
        key: &Key,
        metadata: &Metadata,
        expires_at: Option<Timestamp>,
        token: u64,
    ) -> Result<(), Failure> {
        self.clear();
        envelope::write(metadata, expires_at, token, self.stored)
            .map_err(|len| Failure::Own(metadata_too_long(Location::of(NAME, key), len)))
    }

    /// Stores what was encoded, and keeps the index in step.
    fn store(&mut self, key: &str, expires_at: Option<Timestamp>) -> Result<(), Failure> {
        let before = match self.records.insert(key, self.stored.as_slice())? {
            Some(before) => expiry_of(before.value()),
            None => None,
        };
        self.changed += 1;
        if before != expires_at {
            self.forget_expiry(key, before)?;
            if let Some(at) = expires_at {
                self.expiry.insert((at.as_millis(), key), ())?;
            }
        }
        Ok(())
    }

    fn touch(&mut self, key: &Key, expiry: Expiry) -> Result<(), Failure> {
        let Some(standing) = self.records.get(key.as_str())? else { return Ok(()) };
        let stored = standing.value();
        let Some(envelope) = live(stored, self.now).map_err(|damage| damaged(damage, key))? else {
            return Ok(());
        };
        let expires_at = expiry.touched(envelope.expires_at, self.now);
        if expires_at == envelope.expires_at {
            return Ok(());
        }
        if expires_at.is_some_and(|at| at <= self.now) {
            drop(standing);
            return self.remove(key.as_str());
        }
        let value = stored.get(envelope.value_at..).unwrap_or_default().to_vec();
        drop(standing);
        // A plain value has none and gets its first.
        let token = envelope.token.unwrap_or_else(random::token);
        self.encode(key, &envelope.metadata, expires_at, token)?;
        self.stored.extend_from_slice(&value);
        self.store(key.as_str(), expires_at)
    }

    fn remove(&mut self, key: &str) -> Result<(), Failure> {
        let before = match self.records.remove(key)? {
            Some(before) => expiry_of(before.value()),
            None => return Ok(()),
        };
        self.changed += 1;
        self.forget_expiry(key, before)
    }

    fn forget_expiry(&mut self, key: &str, before: Option<Timestamp>) -> Result<(), Failure> {
        if let Some(at) = before {
            self.expiry.remove((at.as_millis(), key))?;
        }
        Ok(())
    }

    fn sweep(&mut self, limit: usize) -> Result<SweepReport, Failure> {
        let mut removed = 0;
        let not_yet = (self.now.as_millis() + 1, "");
        let expired = self.expiry.extract_from_if(..not_yet, |_, ()| true)?;
        for found in expired.take(limit) {
            let (entry, _) = found?;
            let (at, key) = entry.value();
            // The record's own expiry decides: if another program has replaced the record, it
            // stays.
            let is_expired = match self.records.get(key)? {
                Some(stored) => expiry_of(stored.value()) == Some(Timestamp::from_millis(at)),
                None => false,
            };
            self.changed += 1;
            if is_expired {
                self.records.remove(key)?;
                removed += 1;
            }
        }
        let more = match self.expiry.first()? {
            Some((next, _)) => next.value() < not_yet,
            None => false,
        };
        Ok(SweepReport { removed, more })
    }
}

/// Whether the record can be stored: all that redb and the envelope refuse.
fn check(key: &Key, record: &NewRecord) -> Result<(), Error> {
    let at = || Location::of(NAME, key);
    if record.value.len() > MAX_VALUE {
        return Err(Error::ValueTooLong { at: at(), len: record.value.len(), max: MAX_VALUE });
    }
    check_expiry(key, record, record.expiry != Expiry::Never)?;
    envelope::check_new(record, at)
}

/// The expiry is in the envelope, which a plain record lacks.
fn check_expiry(key: &Key, record: &NewRecord, expires: bool) -> Result<(), Error> {
    if record.is_plain && expires {
        let capability = "the expiry of a plain record, which has no envelope to keep it in";
        return Err(Error::Unsupported { at: Location::of(NAME, key), capability });
    }
    Ok(())
}

fn metadata_too_long(at: Box<Location>, len: usize) -> Error {
    Error::MetadataTooLong { at, len, max: usize::from(u16::MAX) }
}

/// When a stored record expires; a damaged one does not.
fn expiry_of(stored: &[u8]) -> Option<Timestamp> {
    envelope::read(stored).ok().and_then(|envelope| envelope.expires_at)
}

fn damaged(damage: envelope::EnvelopeError, key: &Key) -> Failure {
    Failure::Own(damage.into_error(Location::of(NAME, key)))
}
