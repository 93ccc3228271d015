//! What is queued for the writer, and what comes back.

use kv_store::__private::Fences;
use kv_store::Location;
use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::store::{Condition, Write};

use crate::NAME;

/// What a [sweep](crate::RedbStore::sweep) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// How many expired records were removed.
    pub removed: usize,
    /// Whether more expired records are left.
    pub more: bool,
}

/// One call's work, made as a whole or not at all.
pub(super) enum Work {
    Write(Write),
    PutMany(Vec<(Key, NewRecord)>),
    /// The same, as a part of a longer write: it is committed and made durable with the work that
    /// comes later.
    PutPart(Vec<(Key, NewRecord)>),
    DeleteMany(Vec<Key>),
    Commit(Vec<Condition>, Vec<Write>),
    /// The same, as a part of a longer write. It has writes that can be [checked](is_checkable)
    /// before the first is made, so it fails as a whole.
    CommitPart(Vec<Condition>, Vec<Write>),
    /// Removes at most so many expired records.
    Sweep(usize),
    /// Makes what was written before durable.
    Flush,
    /// Makes the file smaller; no part of a transaction.
    Compact,
    #[cfg(test)]
    Panic,
    /// Bytes as another program could have written them.
    #[cfg(test)]
    Raw(Key, Vec<u8>),
}

/// Whether nothing that is stored can make this write fail.
pub(super) const fn is_checkable(write: &Write) -> bool {
    matches!(write, Write::Put(..) | Write::Delete(_) | Write::AddEntry(_) | Write::RemoveEntry(_))
}

/// How it ended, if it did not fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done {
    Written,
    /// The condition at this place did not hold.
    Conflict(usize),
    Swept(SweepReport),
}

/// What a piece of work, a key or a record takes beside its bytes.
const PIECE: usize = 128;

impl Work {
    /// About how many bytes it holds in memory.
    pub(super) fn bytes(&self) -> usize {
        fn of_write(write: &Write) -> usize {
            match write {
                Write::Put(key, record) | Write::Update(key, record) => of_record(key, record),
                Write::Touch(key, _)
                | Write::Delete(key)
                | Write::AddEntry(key)
                | Write::RemoveEntry(key) => of_key(key),
            }
        }
        fn of_record(key: &Key, record: &NewRecord) -> usize {
            let foreign = record.metadata.foreign_members().next().map_or(0, |_| record.metadata.json_len());
            of_key(key) + record.value.len() + foreign
        }
        fn of_key(key: &Key) -> usize {
            key.len() + PIECE
        }
        let pieces = match self {
            Self::Write(write) => of_write(write),
            Self::PutMany(records) | Self::PutPart(records) => {
                records.iter().map(|(key, record)| of_record(key, record)).sum()
            }
            Self::DeleteMany(keys) => keys.iter().map(of_key).sum(),
            Self::Commit(conditions, writes) | Self::CommitPart(conditions, writes) => {
                let conditions: usize = conditions.iter().map(|condition| of_key(&condition.key)).sum();
                conditions + writes.iter().map(of_write).sum::<usize>()
            }
            Self::Sweep(_) | Self::Flush | Self::Compact => 0,
            #[cfg(test)]
            Self::Panic | Self::Raw(..) => 0,
        };
        pieces + PIECE
    }

    /// Whether it may fail when some of its writes are made. The others make one write, or are
    /// checked before.
    pub(super) fn may_fail_half_way(&self) -> bool {
        matches!(self, Self::Commit(_, writes) if writes.len() > 1)
    }

    /// Voids the fences of the keys that it writes.
    pub(super) fn void(&self, fences: &Fences) {
        match self {
            Self::Write(write) => fences.void(write.key().as_str()),
            Self::PutMany(records) | Self::PutPart(records) => {
                records.iter().for_each(|(key, _)| fences.void(key.as_str()));
            }
            Self::DeleteMany(keys) => keys.iter().for_each(|key| fences.void(key.as_str())),
            Self::Commit(_, writes) | Self::CommitPart(_, writes) => {
                writes.iter().for_each(|write| fences.void(write.key().as_str()));
            }
            Self::Sweep(_) | Self::Flush | Self::Compact => {}
            #[cfg(test)]
            Self::Panic | Self::Raw(..) => {}
        }
    }

    /// Where it fails if it does: at the one record, or at the store as a whole.
    pub(super) fn location(&self) -> Box<Location> {
        match self {
            Self::Write(write) => Location::of(NAME, write.key()),
            _ => Location::store(NAME),
        }
    }
}
