//! The handle on a store, from which collections are taken.

use std::fmt;
use std::sync::Arc;

use crate::collection::{Collection, Turns};
use crate::entity::KvEntity;
use crate::store::Store;

/// A store and the typed collections in it. Cheap to clone; clones share the store.
pub struct Kv<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    store: S,
    turns: Turns,
}

impl<S: Store> Kv<S> {
    /// Takes a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { shared: Arc::new(Shared { store, turns: Turns::default() }) }
    }

    /// All entities of one type in this store.
    #[must_use]
    pub fn collection<E: KvEntity>(&self) -> Collection<E, S> {
        Collection::new(self.clone())
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }
}

impl<S> Clone for Kv<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S: Store> fmt::Debug for Kv<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").field("store", &self.store().name()).finish_non_exhaustive()
    }
}
