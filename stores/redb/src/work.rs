//! What is queued for the writer, and what comes back.

use kv_store::Location;
#[cfg(test)]
use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::store::{Batch, Condition, Write};

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
#[cfg_attr(
    not(test),
    expect(clippy::large_enum_variant, reason = "nearly all work is a write, for which a box costs more")
)]
pub(super) enum Work {
    /// Makes the writes if all conditions hold.
    Write(Vec<Condition>, Batch),
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
        let Self::Write(conditions, batch) = self else { return PIECE };
        let mut bytes = PIECE;
        let keys = conditions.iter().map(|condition| &condition.key).chain(batch.iter().map(Write::key));
        for key in keys {
            bytes += key.len() + PIECE;
        }
        for write in batch.iter() {
            if let Write::Put(_, NewRecord { value, metadata, .. })
            | Write::Update(_, NewRecord { value, metadata, .. }) = write
            {
                bytes += value.len() + metadata.foreign_members().next().map_or(0, |_| metadata.json_len());
            }
        }
        bytes
    }

    /// Whether all its writes are checked before the first is made: nothing that is stored can make
    /// one fail, so it fails as a whole. One write does so in any case.
    pub(super) fn is_checked(&self) -> bool {
        let Self::Write(_, batch) = self else { return false };
        let is_checkable = |write: &Write| {
            matches!(write, Write::Put(..) | Write::Delete(_) | Write::AddEntry(_) | Write::RemoveEntry(_))
        };
        (batch.len() > 1 || batch.is_part()) && batch.iter().all(is_checkable)
    }

    /// Whether it is a part of a longer write: it is committed and made durable with the work that
    /// comes later.
    pub(super) fn is_part(&self) -> bool {
        matches!(self, Self::Write(_, batch) if batch.is_part()) && self.is_checked()
    }

    /// Whether a failure may leave some of its writes made.
    pub(super) fn may_fail_half_way(&self) -> bool {
        matches!(self, Self::Write(_, batch) if batch.len() > 1) && !self.is_checked()
    }

    pub(super) fn location(&self) -> Box<Location> {
        match self {
            Self::Write(conditions, batch) if conditions.is_empty() && batch.len() == 1 => {
                batch.first().map_or_else(|| Location::store(NAME), |write| Location::of(NAME, write.key()))
            }
            _ => Location::store(NAME),
        }
    }
}
