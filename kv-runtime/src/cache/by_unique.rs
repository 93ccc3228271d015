//! Lookups by a unique value, which take the entity from memory if it is there.

use std::fmt;
use std::sync::Arc;

use kv_store::Result;
use kv_store::index::IndexKey;
use kv_store::key::EntityId;
use kv_store::store::IndexStore;

use super::Cached;
use crate::entity::{KvEntity, Unique};
use crate::index::ByUnique;

/// Lookups of a unique index through a cache: [`Cached::by`].
#[must_use = "a lookup does nothing until `get` is called"]
pub struct CachedBy<'a, E: KvEntity, S, V: IndexKey> {
    cached: &'a Cached<E, S>,
    by: ByUnique<E, S, V>,
}

/// A constant that names an index which a cache looks up: a [`Unique`] one of the entity `E`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a unique index of `{E}`, and a cache looks up no other",
    label = "expected a constant of `#[kv(unique)]` of this entity, such as `{E}::EMAIL`",
    note = "the pages and streams of other indexes are on the collection: `cached.collection().by(..)`"
)]
pub trait CachedIndex<E> {
    /// The values of the index.
    type Values: IndexKey;

    /// Returns the index.
    #[doc(hidden)]
    fn unique(self) -> Unique<E, Self::Values>;
}

impl<E: KvEntity, V: IndexKey> CachedIndex<E> for Unique<E, V> {
    type Values = V;

    fn unique(self) -> Self {
        self
    }
}

impl<E: KvEntity, S: IndexStore> Cached<E, S> {
    /// Returns the lookups of a unique index through the cache: `cached.by(User::EMAIL)`.
    ///
    /// Other lookups, also those of indexes that are not unique, are on the
    /// [`collection`](Self::collection).
    pub fn by<I: CachedIndex<E>>(&self, index: I) -> CachedBy<'_, E, S, I::Values> {
        CachedBy { cached: self, by: self.collection().by(index.unique()) }
    }
}

impl<E: KvEntity, S: IndexStore, V: IndexKey> CachedBy<'_, E, S, V> {
    /// Returns the entity with this value, or `None` if there is none.
    ///
    /// Asks the store which entity holds the value, which costs one read. The entity itself is served from
    /// memory, as [`Cached::get`] does. If that has another value, the store decides. So an entity
    /// that has lost the value is not returned, even if the change was made by another process and
    /// memory still holds what was before.
    ///
    /// # Errors
    ///
    /// Those of [`ByUnique::get`] and of [`Cached::get`].
    pub fn get<'v>(
        &self,
        value: V::Ref<'v>,
    ) -> impl Future<Output = Result<Option<Arc<E>>>> + use<'_, 'v, E, S, V> {
        let claim = self.by.claim(value);
        async move {
            let Some(id) = self.by.holder(&claim).await? else { return Ok(None) };
            if self.by.is_decided_by_value()
                && let Some(entity) = self.cached.get(id.as_id_ref()).await?
                && self.by.has_claim(&entity, &claim)
            {
                return Ok(Some(entity));
            }
            Ok(self.by.find(&claim).await?.map(|(entity, _)| Arc::new(entity)))
        }
    }
}

impl<E: KvEntity, S: IndexStore, V: IndexKey> fmt::Debug for CachedBy<'_, E, S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedBy").field(&self.by).finish()
    }
}
