//! A write that is under way, and what memory holds after it.

use std::sync::Arc;

use kv_store::Error;

use super::entry::Entry;
use super::in_flight::{Begun, Filling, Kind};
use super::memory::Left;
use super::tier::{Fill, Tier};
use crate::entity::KvEntity;

/// A write that is under way. If it is dropped before it ends, its outcome is unknown: memory
/// forgets the id, and holds nothing of it that is read before the store has settled.
pub(super) struct Writing<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    begun: Begun,
    filling: Option<Filling>,
    /// Whether the store had settled when the write began.
    is_settled: bool,
    /// Whether an earlier fill may still take place.
    meets_fill: bool,
    after: After<E>,
    /// What memory held before, and how often the time of day had been set forward then.
    taken: Option<Entry<E>>,
    steps: u64,
}

enum After<E> {
    /// It may still take place.
    Unknown,
    /// It has not taken place.
    Forget,
    Hold(Fill<E>),
    /// It has not taken place, and this was there.
    Restore(Entry<E>),
    /// The entity in memory is still right.
    Keep,
}

impl<E: KvEntity> Tier<E> {
    /// Begins a write, and takes the entity out of memory. `keep`: it does not change the entity, so
    /// memory may go on serving it.
    pub(super) fn begin_write(self: &Arc<Self>, id: E::Id, keep: bool) -> Writing<E> {
        let now = self.now();
        let mut in_flight = self.lock(&id);
        let is_settled = in_flight.is_settled(&id, |mark| self.store.has_settled(mark));
        let (begun, filling) = in_flight.begin_write(&id, now);
        let steps = self.day.steps();
        let taken = if keep { None } else { self.memory.remove(&id).0 };
        drop(in_flight);
        let (tier, after) = (Arc::clone(self), After::Unknown);
        Writing { tier, id, begun, filling, is_settled, meets_fill: false, after, taken, steps }
    }

    /// Holds an entry again, unless the time of day was set forward since. Then its record may have
    /// expired before the entry ends. Returns what must be dropped after the lock is released.
    fn restore(&self, id: &E::Id, entry: Entry<E>, steps: u64) -> [Option<Left<E>>; 2] {
        let expires = entry.expires();
        let restored = self.memory.insert(id, entry);
        // Asked after the insert: a step counts first, and then empties the memory.
        let is_outdated = expires && self.day.steps() != steps;
        [Some(restored), is_outdated.then(|| self.memory.remove(id))]
    }
}

impl<E: KvEntity> Writing<E> {
    /// Drives an earlier fill to its end.
    pub(super) async fn after_fill(&mut self) {
        if let Some(filling) = self.filling.take() {
            self.meets_fill = true;
            self.meets_fill = !self.tier.end_of(filling).await;
        }
    }

    /// Ends a write that failed.
    pub(super) fn fail(mut self, error: &Error) {
        if !may_take_place(error) {
            self.after = After::Forget;
        }
    }

    /// Ends a write that was not made.
    pub(super) fn give_up(mut self) {
        self.after = After::Forget;
    }

    /// Ends a write after which the store holds this.
    pub(super) fn hold(mut self, fill: Fill<E>) {
        self.after = After::Hold(fill);
    }

    /// Ends a write that left the entity unchanged.
    pub(super) fn keep(mut self) {
        self.after = After::Keep;
    }
}

/// What a write of another needs.
impl<E: KvEntity> Writing<E> {
    /// Returns whether a fill is under way that `after_fill` would wait for.
    pub(super) const fn meets_fill(&self) -> bool {
        self.filling.is_some()
    }

    /// Leaves an earlier fill to itself.
    pub(super) fn pass_fill(&mut self) {
        self.filling = None;
    }

    /// Ends a write that was not made, because a condition did not hold. Memory holds again what it
    /// did. An absence stays forgotten: the condition may have failed because there is a record.
    pub(super) fn restore(mut self) {
        self.after = match self.taken.take() {
            Some(entry) => After::Restore(entry),
            None => After::Forget,
        };
    }

    /// Ends a write that failed as a whole, if it was made at all.
    pub(super) fn fail_or_restore(self, error: &Error) {
        if may_take_place(error) { drop(self) } else { self.restore() }
    }
}

impl<E: KvEntity> Drop for Writing<E> {
    fn drop(&mut self) {
        let Self { tier, id, begun, after, .. } = self;
        let after = std::mem::replace(after, After::Unknown);
        let mut in_flight = tier.in_flight.lock(id);
        let was_alone = in_flight.end(id, |at| at.end_write(*begun)) == Some(true);
        if self.meets_fill || matches!(after, After::Unknown) {
            in_flight.unsettle(id, tier.store.mark());
        }
        let may_hold = was_alone && self.is_settled && !self.meets_fill;
        let mut also = None;
        let left = match after {
            After::Hold(fill) if may_hold => tier.hold(id, fill, Kind::Read),
            After::Restore(entry) if may_hold => {
                let [restored, outdated] = tier.restore(id, entry, self.steps);
                also = outdated;
                restored
            }
            After::Keep => None,
            After::Hold(_) | After::Restore(_) | After::Forget | After::Unknown => {
                Some(tier.memory.remove(id))
            }
        };
        drop(in_flight);
        drop((left, also));
    }
}

/// Returns whether a write that failed with this error may have taken place, or may still do so.
/// The errors that exclude it are listed by name.
pub(super) fn may_take_place(error: &Error) -> bool {
    match error {
        Error::Partial { source, .. } => may_take_place(source),
        Error::NotFound { .. }
        | Error::AlreadyExists { .. }
        | Error::NotUnique { .. }
        | Error::IndexNotReady { .. }
        | Error::IndexAcrossShards { .. }
        | Error::Conflict { .. }
        | Error::IdChanged { .. }
        | Error::Incomplete { .. }
        | Error::TooNew { .. }
        | Error::TooOld { .. }
        | Error::MigrationFailed { .. }
        | Error::Decode { .. }
        | Error::Encode { .. }
        | Error::Malformed { .. }
        | Error::UnknownCodec { .. }
        | Error::KeyTooLong { .. }
        | Error::ValueTooLong { .. }
        | Error::MetadataTooLong { .. }
        | Error::TtlTooShort { .. }
        | Error::ExpiryUnknown { .. }
        | Error::Unsupported { .. }
        | Error::NoTimer { .. } => false,
        _ => true,
    }
}
