//! From an index to its lookups.

use kv_store::index::IndexKey;
use kv_store::store::IndexStore;

use super::builder::ByIndex;
use super::unique::ByUnique;
use crate::collection::Collection;
use crate::entity::{Index, KvEntity, Unique};

/// A constant that names an index of `E`: [`Unique`] or [`Index`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index of `{E}`",
    label = "expected a constant of this entity, such as `{E}::EMAIL`",
    note = "`#[kv(unique)]` and `#[kv(index)]` on a field generate the constants"
)]
pub trait Handle<E> {
    /// The lookups that it has in a store.
    type By<S>;

    /// Returns the lookups.
    #[doc(hidden)]
    fn by<S: IndexStore>(self, collection: &Collection<E, S>) -> Self::By<S>
    where
        E: KvEntity;
}

impl<E: KvEntity, V: IndexKey> Handle<E> for Unique<E, V> {
    type By<S> = ByUnique<E, S, V>;

    fn by<S: IndexStore>(self, collection: &Collection<E, S>) -> Self::By<S> {
        ByUnique::new(collection.clone(), self.handle())
    }
}

impl<E: KvEntity, V: IndexKey> Handle<E> for Index<E, V> {
    type By<S> = ByIndex<E, S, V>;

    fn by<S: IndexStore>(self, collection: &Collection<E, S>) -> Self::By<S> {
        ByIndex::new(collection.clone(), self.handle())
    }
}

impl<E: KvEntity, S: IndexStore> Collection<E, S> {
    /// Returns the lookups of an index, which is named by a constant of the entity: `User::EMAIL`.
    ///
    /// A unique index has `get`, `get_many`, `exists` and `delete`: [`ByUnique`]. Any other has
    /// pages and streams: [`ByIndex`].
    pub fn by<I: Handle<E>>(&self, index: I) -> I::By<S> {
        index.by(self)
    }
}
