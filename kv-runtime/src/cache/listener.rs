//! What a cache hears of writes that are made beside it, by transactions.

use std::sync::{Arc, Weak};

use kv_store::__private::parse_key;
use kv_store::key::Key;
use kv_store::store::Store;
use kv_store::{BoxFuture, Error};

use super::tier::Tier;
use super::writing::Writing;
use crate::collection::Collection;
use crate::entity::KvEntity;
use crate::listeners::{HeardWrite, Listener};

impl<E: KvEntity> Tier<E> {
    /// Hears of the transactions of the collection's handle from now on.
    pub(super) fn listen<S: Store>(self: &Arc<Self>, collection: &Collection<E, S>) {
        let tier: Weak<Self> = Arc::downgrade(self);
        collection.listeners().add(tier);
    }
}

impl<E: KvEntity> Listener for Tier<E> {
    /// A record of any group concerns the whole entity.
    fn begin(self: Arc<Self>, key: &Key) -> Option<Box<dyn HeardWrite>> {
        let schema = E::SCHEMA;
        let id = parse_key(key.entity_part(), schema.prefix(), schema.ids(), None)?;
        Some(Box::new(self.begin_write(id, false)))
    }
}

/// Memory forgets the id in any case: what the transaction has written may be another view.
impl<E: KvEntity> HeardWrite for Writing<E> {
    fn ready(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.after_fill())
    }

    fn end(self: Box<Self>) {
        self.give_up();
    }

    fn fail(self: Box<Self>, error: &Error) {
        (*self).fail(error);
    }
}
