//! One record in a transaction: what was read of it, and what becomes of it.

use std::any::TypeId;

use kv_store::Timestamp;
use kv_store::key::Key;
use kv_store::record::{NewRecord, Record, Revision};
use kv_store::store::{Condition, Expect, Write};

/// What a transaction has to do with the record under one key.
pub(super) struct Entry {
    /// The name of the entity by which the record came here, for errors.
    pub(super) entity: &'static str,
    /// What the store has, if that was read.
    pub(super) seen: Option<Seen>,
    /// What the commit makes of it.
    pub(super) pending: Option<Pending>,
    /// The key of the write that is held back, so that the commit need not copy it.
    key: Option<Key>,
    /// Whether an `insert` that did not read it requires that there is none.
    pub(super) is_inserted: bool,
    /// What was found when an entity was decoded whose first record this is.
    pub(super) as_written: Option<AsWritten>,
}

/// Of an entity whose stored records are just what would be written of it.
pub(super) struct AsWritten {
    /// The type of the entity, or of its view.
    pub(super) by: TypeId,
    /// Its `expires_at` field.
    pub(super) expires_at: Option<Timestamp>,
}

/// What was read of a record.
pub(super) struct Seen {
    pub(super) record: Option<Record>,
    /// Whether the closure knows the record, and not only whether there is one.
    pub(super) is_whole: bool,
}

/// A write that is held back until the commit. A touch is held back as a `Put` of the same value:
/// so every write of a record that was read gives it a new revision, which settles unknown outcomes. A
/// plain record, whose revision is its value, settles none.
pub(super) enum Pending {
    Put(NewRecord),
    /// Keeps the expiry that the record has at the time of the commit.
    Update(NewRecord),
    Delete,
    /// Of an index.
    AddEntry,
    /// Of an index.
    RemoveEntry,
    /// The commit has it.
    Sent,
}

impl Entry {
    pub(super) const fn new(entity: &'static str) -> Self {
        Self { entity, seen: None, pending: None, key: None, is_inserted: false, as_written: None }
    }

    /// Returns whether the transaction knows the record, or else whether it knows that there is one.
    pub(super) fn is_known(&self, is_whole: bool) -> bool {
        let is_seen = |seen: &Seen| !is_whole || seen.is_complete();
        self.pending.is_some() || self.seen.as_ref().is_some_and(is_seen)
    }

    /// Returns the record as the transaction sees it.
    pub(super) fn current(&self, now: impl Fn() -> Timestamp) -> Option<Record> {
        let seen = || self.seen.as_ref().and_then(|seen| seen.record.as_ref());
        // Its revision is drawn by the commit, and nobody asks for it before.
        let new =
            |new: &NewRecord| Record::new(new.value.0.clone(), new.metadata.clone(), Revision::from_token(0));
        match &self.pending {
            None => seen().cloned(),
            Some(Pending::Delete | Pending::AddEntry | Pending::RemoveEntry | Pending::Sent) => None,
            Some(Pending::Update(record)) => {
                Some(new(record).with_expires_at(seen().and_then(|seen| seen.expires_at)))
            }
            Some(Pending::Put(record)) => {
                let now = now();
                let expires_at = record.expiry.at(now);
                let is_over = expires_at.is_some_and(|at| at <= now);
                (!is_over).then(|| new(record).with_expires_at(expires_at))
            }
        }
    }

    /// Returns whether there is a record, as far as the transaction knows.
    pub(super) fn is_there(&self, now: impl Fn() -> Timestamp) -> bool {
        match (&self.pending, &self.seen) {
            (None, Some(seen)) => seen.record.is_some(),
            _ => self.current(now).is_some(),
        }
    }

    /// Lets a write follow those that are held back already.
    pub(super) fn write(&mut self, write: Write) {
        let before = self.pending.take();
        let (key, pending) = match (write, before) {
            (Write::Put(key, new), _) => (key, Some(Pending::Put(new))),
            (Write::Delete(key), _) => (key, Some(Pending::Delete)),
            (Write::AddEntry(key), _) => (key, Some(Pending::AddEntry)),
            (Write::RemoveEntry(key), _) => (key, Some(Pending::RemoveEntry)),
            (Write::Update(key, new), Some(Pending::Put(put))) => {
                (key, Some(Pending::Put(new.with_expiry(put.expiry))))
            }
            (Write::Update(key, new), _) => (key, Some(Pending::Update(new))),
            (Write::Touch(key, expiry), Some(Pending::Put(new) | Pending::Update(new))) => {
                (key, Some(Pending::Put(new.with_expiry(expiry))))
            }
            (Write::Touch(key, expiry), None) => {
                let seen = self.seen.as_ref().and_then(|seen| seen.record.as_ref());
                (key, seen.map(|record| Pending::Put(NewRecord::same_as(record).with_expiry(expiry))))
            }
            (Write::Touch(key, _), before) => (key, before),
        };
        (self.key, self.pending) = (Some(key), pending);
    }

    /// How many conditions and writes it makes.
    pub(super) fn len(&self) -> usize {
        usize::from(self.seen.is_some()) + usize::from(self.is_inserted) + usize::from(self.pending.is_some())
    }

    /// How many bytes it writes under a key of this length.
    pub(super) fn bytes(&self, key_len: usize) -> usize {
        match &self.pending {
            Some(Pending::Put(new) | Pending::Update(new)) => key_len + new.value.len(),
            Some(Pending::Delete | Pending::AddEntry | Pending::RemoveEntry) => key_len,
            Some(Pending::Sent) | None => 0,
        }
    }

    /// Returns the write of the commit, which has it from now on.
    pub(super) fn take_write(&mut self) -> Option<Write> {
        let pending = std::mem::replace(self.pending.as_mut()?, Pending::Sent);
        let key = self.key.take()?;
        match pending {
            Pending::Put(new) => Some(Write::Put(key, new)),
            Pending::Update(new) => Some(Write::Update(key, new)),
            Pending::Delete => Some(Write::Delete(key)),
            Pending::AddEntry => Some(Write::AddEntry(key)),
            Pending::RemoveEntry => Some(Write::RemoveEntry(key)),
            Pending::Sent => None,
        }
    }

    /// Returns what the commit requires of what was read.
    pub(super) fn condition(&self, key: &Key) -> Option<Condition> {
        let Seen { record, is_whole } = self.seen.as_ref()?;
        let expect = match record {
            Some(record) if *is_whole => Expect::Revision(record.revision.clone()),
            Some(_) => Expect::Present,
            None => Expect::Absent,
        };
        Some(Condition::new(key.clone(), expect))
    }
}

impl Seen {
    /// Returns whether nothing of the record is unknown.
    pub(super) const fn is_complete(&self) -> bool {
        self.is_whole || self.record.is_none()
    }

    /// Returns whether a later read tells the same.
    pub(super) fn is_still(&self, record: Option<&Record>) -> bool {
        match (&self.record, record) {
            (Some(before), Some(now)) => !self.is_whole || before.revision == now.revision,
            (before, now) => before.is_none() && now.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use kv_store::record::{Expiry, Metadata};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn new(value: &'static str) -> NewRecord {
        NewRecord::new(value, Metadata::default())
    }

    fn key() -> Key {
        Key::from_text("a")
    }

    /// What is left of some writes, in words.
    fn after(seen: Option<&'static str>, writes: Vec<Write>) -> String {
        let mut entry = Entry::new("A");
        let record = seen.map(|value| Record::new(value, Metadata::default(), Revision::from_token(7)));
        entry.seen = Some(Seen { record, is_whole: true });
        writes.into_iter().for_each(|write| entry.write(write));
        let describe = |kind: &str, new: &NewRecord| {
            format!("{kind} {} {:?}", String::from_utf8_lossy(&new.value), new.expiry)
        };
        match &entry.pending {
            Some(Pending::Put(new)) => describe("put", new),
            Some(Pending::Update(new)) => describe("update", new),
            Some(Pending::Delete) => "delete".to_owned(),
            Some(Pending::AddEntry) => "add".to_owned(),
            Some(Pending::RemoveEntry) => "remove".to_owned(),
            Some(Pending::Sent) | None => "nothing".to_owned(),
        }
    }

    #[test]
    fn writes_of_one_record_become_one() {
        let ttl = Expiry::After(Duration::from_secs(9));
        let put = |value| Write::Put(key(), new(value).with_expiry(ttl));
        let update = |value| Write::Update(key(), new(value));
        let touch = || Write::Touch(key(), Expiry::Never);
        assert_eq!(after(Some("1"), vec![update("2"), update("3")]), "update 3 Never");
        assert_eq!(after(Some("1"), vec![put("2"), update("3")]), "put 3 After(9s)");
        assert_eq!(after(Some("1"), vec![update("2"), put("3")]), "put 3 After(9s)");
        assert_eq!(after(Some("1"), vec![put("2"), touch()]), "put 2 Never");
        assert_eq!(after(Some("1"), vec![update("2"), touch()]), "put 2 Never");
        assert_eq!(after(Some("1"), vec![touch(), update("2")]), "put 2 Never");
        assert_eq!(after(Some("1"), vec![touch()]), "put 1 Never");
        assert_eq!(after(None, vec![touch()]), "nothing");
        let (add, remove) = (Write::AddEntry(key()), Write::RemoveEntry(key()));
        assert_eq!(after(None, vec![remove.clone(), add.clone()]), "add");
        assert_eq!(after(None, vec![add, remove]), "remove");
        assert_eq!(after(Some("1"), vec![Write::Delete(key()), put("2")]), "put 2 After(9s)");
        assert_eq!(after(Some("1"), vec![put("2"), Write::Delete(key()), touch()]), "delete");
    }

    #[test]
    fn what_expires_at_once_is_not_there() {
        let mut entry = Entry::new("A");
        entry.write(Write::Put(key(), new("1").with_expiry(Expiry::At(NOW))));
        assert!(!entry.is_there(|| NOW) && entry.current(|| NOW).is_none());
        entry.write(Write::Put(key(), new("1").with_expiry(Expiry::After(Duration::from_secs(1)))));
        assert_eq!(entry.current(|| NOW).and_then(|it| it.expires_at), Some(Timestamp::from_millis(2_000)));
    }

    #[test]
    fn whether_a_record_is_there_does_not_depend_on_its_revision() {
        let record = |token| Record::new("1", Metadata::default(), Revision::from_token(token));
        let seen = |is_whole| Seen { record: Some(record(1)), is_whole };
        assert!(seen(false).is_still(Some(&record(2))) && !seen(true).is_still(Some(&record(2))));
        assert!(seen(true).is_still(Some(&record(1))));
        assert!(
            !seen(false).is_still(None) && !Seen { record: None, is_whole: true }.is_still(Some(&record(1)))
        );
    }
}
