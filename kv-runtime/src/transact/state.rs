//! What one attempt of a transaction knows and is going to write.
//!
//! The reads and writes of all entities and views meet here under the keys of their records. So a
//! transaction sees its own writes, whichever view made them, and has one condition for each key.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{AsWritten, Entry, Seen};
use crate::collection::indexed::IndexedType;
use kv_store::Error;
use kv_store::Timestamp;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Batch, Condition, Expect, Write};

/// What the entries of an index have in the place of an entity.
pub(super) const INDEX: &str = "index";

#[derive(Default)]
pub(super) struct State {
    /// The entities with indexes that it writes, under their anchors.
    pub(super) indexed: BTreeMap<Key, Arc<dyn IndexedType>>,
    /// Boxed, as the map has room for eleven entries as soon as there is one.
    pub(super) entries: BTreeMap<Key, Box<Entry>>,
    pub(super) end: Option<End>,
    /// How many reads have ended.
    reads: u64,
    /// How many conditions and writes there are, and the bytes of what is written.
    pub(super) len: usize,
    pub(super) bytes: usize,
    /// How long the attempt has waited for others.
    pub(super) waited: Duration,
}

/// Why nothing more can come of an attempt.
#[derive(Clone)]
pub(super) enum End {
    /// A read failed.
    Failed(Error),
    /// Another writer changed the record under this key after it was read.
    Lost(Key),
}

/// What a read asks the store for.
pub(super) struct Question {
    /// The keys that it wants, and then those that were read before.
    pub(super) keys: Vec<Key>,
    pub(super) wanted: usize,
    is_whole: bool,
    /// How many reads had ended before.
    reads: u64,
}

/// What a save compares the entity with.
pub(super) struct Saved {
    /// Its records as the transaction sees them.
    pub(super) records: Vec<Option<Record>>,
    /// The `expires_at` field of the stored entity, if its records are just what would be written of
    /// it, and the transaction does not write them yet.
    pub(super) as_written: Option<Option<Timestamp>>,
}

/// What has become of a read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Done,
    /// Another read of the closure has ended since the question, so both together may be of two
    /// moments.
    Again,
}

impl State {
    /// Returns the keys of these that are not known yet.
    pub(super) fn unknown(&self, wanted: &[Key], is_whole: bool) -> Vec<Key> {
        let is_known = |key: &Key| self.entries.get(key).is_some_and(|entry| entry.is_known(is_whole));
        let mut keys: Vec<Key> = wanted.iter().filter(|key| !is_known(key)).cloned().collect();
        if keys.len() > 1 {
            keys.sort_unstable();
            keys.dedup();
        }
        keys
    }

    /// Returns a question for these keys, which are in order. It asks again for all that was read
    /// before.
    pub(super) fn ask(&self, mut keys: Vec<Key>, is_whole: bool) -> Question {
        let wanted = keys.len();
        let seen = self.entries.iter().filter(|(_, entry)| entry.seen.is_some()).map(|(key, _)| key);
        let before: Vec<Key> = seen.filter(|key| keys.binary_search(key).is_err()).cloned().collect();
        keys.extend(before);
        Question { keys, wanted, is_whole, reads: self.reads }
    }

    /// Takes the answer to a question. `Err` is a key that another writer has changed since it was
    /// read.
    pub(super) fn answer(
        &mut self,
        question: Question,
        records: Vec<Option<Record>>,
        entity: &'static str,
    ) -> Result<Answered, Key> {
        if self.reads != question.reads {
            return Ok(Answered::Again);
        }
        for (key, record) in question.keys.iter().zip(&records) {
            let seen = self.entries.get(key).and_then(|entry| entry.seen.as_ref());
            if seen.is_some_and(|seen| !seen.is_still(record.as_ref())) {
                return Err(key.clone());
            }
        }
        for (key, record) in question.keys.into_iter().zip(records).take(question.wanted) {
            let entry = self.entries.entry(key).or_insert_with(|| Box::new(Entry::new(entity)));
            self.len -= entry.len();
            // What a read beside the insert has found is a condition already.
            entry.is_inserted &= record.is_some();
            entry.seen = Some(Seen { record, is_whole: question.is_whole });
            self.len += entry.len();
        }
        self.reads += 1;
        Ok(Answered::Done)
    }

    /// Returns the records under these keys as the transaction sees them, or `None` if one is not
    /// known.
    pub(super) fn current(&self, keys: &[Key], now: impl Fn() -> Timestamp) -> Option<Vec<Option<Record>>> {
        keys.iter().map(|key| Some(self.known(key)?.current(&now))).collect()
    }

    fn known(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.is_known(true)).map(|entry| &**entry)
    }

    /// Returns the records as they were read, or `None` if one was not.
    pub(super) fn seen(&self, keys: &[Key]) -> Option<Vec<Option<Record>>> {
        keys.iter().map(|key| Some(self.seen_whole(key)?.record.clone())).collect()
    }

    /// Returns those keys whose records were not read, in order.
    pub(super) fn unseen(&self, wanted: &[Key]) -> Vec<Key> {
        let mut keys: Vec<Key> =
            wanted.iter().filter(|key| self.seen_whole(key).is_none()).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn seen_whole(&self, key: &Key) -> Option<&Seen> {
        self.entries.get(key)?.seen.as_ref().filter(|seen| seen.is_complete())
    }

    /// Returns whether there is a record under a key, or `None` if that is not known.
    pub(super) fn is_there(&self, key: &Key, now: impl Fn() -> Timestamp) -> Option<bool> {
        let entry = self.entries.get(key).filter(|entry| entry.is_known(false))?;
        Some(entry.is_there(now))
    }

    /// Holds these writes of one entity back until the commit. `inserted` must be absent then.
    pub(super) fn write(&mut self, writes: Batch, entity: &'static str, inserted: Option<&Key>) {
        for write in writes {
            let (key_len, is_inserted) = (write.key().len(), inserted == Some(write.key()));
            let entry = match self.entries.get_mut(write.key()) {
                Some(entry) => entry,
                None => self.entries.entry(write.key().clone()).or_insert(Box::new(Entry::new(entity))),
            };
            self.len -= entry.len();
            self.bytes -= entry.bytes(key_len);
            entry.is_inserted |= is_inserted && !entry.is_known(false);
            entry.write(write);
            self.len += entry.len();
            self.bytes += entry.bytes(key_len);
        }
    }

    /// Notes that the records of the entity with this anchor are just what would be written of it.
    pub(super) fn note_as_written(&mut self, anchor: &Key, as_written: AsWritten) {
        if let Some(entry) = self.entries.get_mut(anchor) {
            entry.as_written = Some(as_written);
        }
    }

    /// Returns what a save of an entity of this type is compared with, or `None` if one of its records
    /// is not known. The first key is its anchor.
    pub(super) fn saved(&self, keys: &[Key], by: TypeId, now: impl Fn() -> Timestamp) -> Option<Saved> {
        let as_written = self.known(keys.first()?)?.as_written.as_ref().filter(|it| it.by == by);
        let mut saved =
            Saved { records: Vec::with_capacity(keys.len()), as_written: as_written.map(|it| it.expires_at) };
        for key in keys {
            let entry = self.known(key)?;
            saved.records.push(entry.current(&now));
            saved.as_written.take_if(|_| entry.pending.is_some());
        }
        Some(saved)
    }

    /// Returns whether the commit has anything to write.
    pub(super) fn has_writes(&self) -> bool {
        self.entries.values().any(|entry| entry.pending.is_some())
    }

    /// Returns the entries whose `first` is set, and then the others, in the order of their keys.
    fn sorted<'a>(
        &'a self,
        first: impl Fn(&Entry) -> bool + Copy + 'a,
    ) -> impl Iterator<Item = (&'a Key, &'a Entry)> {
        let some = move |is_first| self.entries.iter().filter(move |(_, entry)| first(entry) == is_first);
        some(true).chain(some(false)).map(|(key, entry)| (key, &**entry))
    }

    /// Returns what the commit requires, and how many of these conditions are of what was read.
    /// Records that are written come first, in the order of their keys.
    pub(super) fn conditions(&self) -> (Vec<Condition>, usize) {
        let mut conditions = Vec::with_capacity(self.entries.len());
        for (key, entry) in self.sorted(|entry| entry.pending.is_some()) {
            if let Some(condition) = entry.condition(key) {
                conditions.push(condition);
            }
        }
        let reads = conditions.len();
        let inserted = self.entries.iter().filter(|(_, entry)| entry.is_inserted);
        conditions.extend(inserted.map(|(key, _)| Condition::new(key.clone(), Expect::Absent)));
        (conditions, reads)
    }

    /// Takes what the commit writes. Records that were read come first, in the order of their keys,
    /// as in the conditions, so that redb looks each of them up once.
    pub(super) fn take_writes(&mut self) -> Vec<Write> {
        let mut writes = Vec::with_capacity(self.entries.len());
        for was_read in [true, false] {
            for entry in self.entries.values_mut().filter(|entry| entry.seen.is_some() == was_read) {
                if let Some(write) = entry.take_write() {
                    writes.push(write);
                }
            }
        }
        writes
    }

    /// Returns the key of the condition at this place of the commit.
    pub(super) fn key_of_condition(&self, index: usize) -> Option<&Key> {
        let read = self.sorted(|entry| entry.pending.is_some()).filter(|(_, entry)| entry.seen.is_some());
        let inserted = self.entries.iter().filter(|(_, entry)| entry.is_inserted);
        read.map(|(key, _)| key).chain(inserted.map(|(key, _)| key)).nth(index)
    }

    /// Returns the name of the entity that a key belongs to.
    pub(super) fn entity_of(&self, key: &Key) -> Option<&'static str> {
        self.entries.get(key).map(|entry| entry.entity)
    }

    /// Returns a record that the transaction has read and gives a new revision or deletes. If the
    /// store still has it as it was read, the commit has not taken place.
    pub(super) fn witness(&self) -> Option<(&Key, &Record)> {
        self.entries.iter().filter(|(_, entry)| entry.pending.is_some()).find_map(|(key, entry)| {
            let seen = entry.seen.as_ref().filter(|seen| seen.is_whole)?;
            // A value of another program is its own revision, and would come back with an envelope.
            let record = seen.record.as_ref().filter(|record| record.revision.token().is_some())?;
            Some((key, record))
        })
    }

    /// Returns how many records were read, and how many are written.
    pub(super) fn counts(&self) -> (usize, usize) {
        let count = |is: fn(&Entry) -> bool| self.entries.values().filter(|entry| is(entry)).count();
        (count(|entry| entry.seen.is_some()), count(|entry| entry.pending.is_some()))
    }
}
