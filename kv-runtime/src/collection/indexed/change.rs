//! The records of one entity before and after a write.

use kv_store::Timestamp;
use kv_store::key::Key;
use kv_store::record::{NewRecord, Record, Revision};
use kv_store::store::Write;

use super::typed::IndexedType;

/// What a commit does to one entity.
pub(crate) struct Change<'a> {
    pub(crate) of: &'a dyn IndexedType,
    pub(crate) anchor: Key,
    /// The records of its groups as they were read, in the order of its schema.
    pub(crate) before: Vec<Option<Record>>,
    pub(crate) after: Vec<Option<Record>>,
}

/// Returns the records as they are after the writes, which are made at `now`.
pub(crate) fn after(
    keys: &[Key],
    before: &[Option<Record>],
    writes: &[Write],
    now: Timestamp,
) -> Vec<Option<Record>> {
    let mut records = before.to_vec();
    for write in writes {
        let Some(index) = keys.iter().position(|key| key == write.key()) else { continue };
        let Some(record) = records.get_mut(index) else { continue };
        match write {
            Write::Put(_, new) => *record = unless_over(new, now),
            Write::Update(_, new) if record.is_none() => *record = unless_over(new, now),
            Write::Update(_, new) => *record = Some(stored(new)),
            Write::Delete(_) => *record = None,
            // A touch writes no value.
            Write::Touch(..) | Write::AddEntry(_) | Write::RemoveEntry(_) => {}
        }
    }
    records
}

/// A record that has expired when it is written removes what was there.
fn unless_over(new: &NewRecord, now: Timestamp) -> Option<Record> {
    let is_over = new.expiry.at(now).is_some_and(|at| at <= now);
    (!is_over).then(|| stored(new))
}

/// Its revision is drawn by the commit, and nobody asks for it before.
fn stored(new: &NewRecord) -> Record {
    Record::new(new.value.0.clone(), new.metadata.clone(), Revision::from_token(0))
}
