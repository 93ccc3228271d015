//! What a cache hears of writes that are made beside it.

use std::sync::{Arc, Weak};

use kv_store::__private::{HeardWrite, Listener, Origin, WriteKind, WriteOutcome, parse_key};
use kv_store::{BoxFuture, Error};

use super::tier::Tier;
use super::writing::Writing;
use crate::entity::KvEntity;

impl<E: KvEntity> Tier<E> {
    /// Hears of the writes of others on the engine's handle from now on.
    pub(super) fn listen(self: &Arc<Self>) -> Origin {
        let tier: Weak<Self> = Arc::downgrade(self);
        self.listening.get_or_init(|| self.store.write_hub().listen(E::SCHEMA.prefix, tier)).origin()
    }
}

impl<E: KvEntity> Listener for Tier<E> {
    /// A record of any group concerns the whole entity.
    fn begin(self: Arc<Self>, entity_part: &str, kind: WriteKind) -> Option<Box<dyn HeardWrite>> {
        let schema = E::SCHEMA;
        let id = parse_key(entity_part, schema.prefix(), schema.ids(), None)?;
        let writing = self.begin_write(id, kind == WriteKind::Touch);
        Some(Box::new(Heard { writing, kind }))
    }

    fn gap(&self) {
        self.forget_all();
    }
}

/// A write of another, which memory cannot hold: what it writes may be another view, or encoded.
struct Heard<E: KvEntity> {
    writing: Writing<E>,
    kind: WriteKind,
}

impl<E: KvEntity> HeardWrite for Heard<E> {
    fn ready(&mut self) -> Option<BoxFuture<'_, ()>> {
        if self.kind == WriteKind::Fill {
            // The fill of this cache may be waiting for that one. Which of them the store holds in
            // the end is read once both have ended.
            self.writing.pass_fill();
            return None;
        }
        self.writing.meets_fill().then(|| -> BoxFuture<'_, ()> { Box::pin(self.writing.after_fill()) })
    }

    fn end(self: Box<Self>, outcome: WriteOutcome<'_>) {
        let Self { writing, kind } = *self;
        match (outcome, kind) {
            (WriteOutcome::Done, WriteKind::Touch) => writing.keep(),
            // There is no such record.
            (WriteOutcome::Conflict, WriteKind::Touch) | (WriteOutcome::Done, _) => writing.give_up(),
            // What is read now may be from before.
            (WriteOutcome::Deferred, _) => drop(writing),
            (WriteOutcome::Conflict, _) => writing.restore(),
            // A part of it may have been written.
            (WriteOutcome::Failed(error @ Error::Partial { .. }), _) => writing.fail(error),
            (WriteOutcome::Failed(error), _) => writing.fail_or_restore(error),
        }
    }
}
