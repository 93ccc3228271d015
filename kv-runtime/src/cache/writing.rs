//! A write that goes on, and what the memory holds after it.

use std::sync::Arc;

use super::in_flight::{AtId, Filling, Kind};
use super::tier::{Fill, Tier};
use crate::clock::Timestamp;
use crate::entity::KvEntity;

/// A write that goes on. Who drops it unfinished leaves nothing in memory: how it ended is not known.
pub(super) struct Writing<E: KvEntity> {
    tier: Arc<Tier<E>>,
    id: E::Id,
    epoch: u32,
    filling: Option<Filling>,
    after: After<E>,
}

enum After<E> {
    Forget,
    Hold(Fill<E>),
    /// What stands in memory is right, up to this moment.
    Keep(Option<Timestamp>),
}

impl<E: KvEntity> Tier<E> {
    /// Begins a write. `keep`: it does not change what the entity is, so the memory may go on serving it.
    pub(super) fn begin_write(self: &Arc<Self>, id: E::Id, keep: bool) -> Writing<E> {
        let mut in_flight = self.in_flight.lock(&id);
        let (epoch, filling) = in_flight.begin(&id, AtId::begin_write);
        let left = (!keep).then(|| self.memory.remove(&id));
        drop(in_flight);
        drop(left);
        Writing { tier: Arc::clone(self), id, epoch, filling, after: After::Forget }
    }
}

impl<E: KvEntity> Writing<E> {
    /// Drives the fill of the store to its end that was allowed before the write began.
    pub(super) async fn after_fill(&mut self) {
        if let Some(filling) = self.filling.take() {
            self.tier.end_of(filling).await;
        }
    }

    /// The write is done, and this is what stands in the store.
    pub(super) fn hold(mut self, fill: Fill<E>) {
        self.after = After::Hold(fill);
    }

    /// The write is done, and the entity is as it was, with this expiry.
    pub(super) fn keep(mut self, expires_at: Option<Timestamp>) {
        self.after = After::Keep(expires_at);
    }
}

impl<E: KvEntity> Drop for Writing<E> {
    fn drop(&mut self) {
        let Self { tier, id, epoch, after, .. } = self;
        let mut in_flight = tier.in_flight.lock(id);
        let was_alone = in_flight.end(id, |at| at.end_write(*epoch)) == Some(true);
        let left = match std::mem::replace(after, After::Forget) {
            After::Hold(fill) if was_alone => tier.hold(id, fill, Kind::Read),
            After::Keep(None) => None,
            After::Keep(Some(end)) => tier
                .memory
                .peek(id)
                .filter(|entry| entry.outlives(end, tier.spans))
                .map(|entry| tier.memory.insert(id, entry.ending_at(end, tier.spans, &tier.clock))),
            After::Hold(_) | After::Forget => Some(tier.memory.remove(id)),
        };
        drop(in_flight);
        drop(left);
    }
}
