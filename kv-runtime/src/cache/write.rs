//! Writes: the store first, then memory.

use std::sync::Arc;

use super::tier::Fill;
use super::writing::Writing;
use super::{Cached, IntoShared};
use crate::clock::Timestamp;
use crate::collection::{Found, always};
use crate::entity::{KvEntity, Touch};
use crate::error::{Error, Result};
use crate::key::Lookup;
use crate::store::{AtomicStore, Store};

/// Each write begins before its store call and ends after it, also if it fails or is dropped: then the memory forgets the id.
impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Writes the entity as [`Collection::put`](crate::Collection::put) does, then holds it in memory.
    pub async fn put(&self, entity: impl IntoShared<E>) -> Result<()> {
        let entity = entity.into_shared();
        let writing = self.begin(entity.id()).await;
        let since = self.tier.now();
        self.collection().put(&entity).await?;
        self.hold_written(writing, &entity, since);
        Ok(())
    }

    /// Writes the entity as [`Collection::insert`](crate::Collection::insert) does, if there is none, then holds it in memory.
    pub async fn insert(&self, entity: impl IntoShared<E>) -> Result<()>
    where
        S: AtomicStore,
    {
        let entity = entity.into_shared();
        let writing = self.begin(entity.id()).await;
        let since = self.tier.now();
        self.collection().insert(&entity).await?;
        self.hold_written(writing, &entity, since);
        Ok(())
    }

    /// Changes the entity that is in the store as [`Collection::update`](crate::Collection::update) does, whatever the memory holds, then
    /// holds it as it was written.
    pub async fn update<L, F>(&self, id: L, change: F) -> Result<Arc<E>>
    where
        S: AtomicStore,
        L: Lookup<E::Id>,
        F: FnMut(&mut E),
    {
        self.change("update", id, always(change), None::<fn() -> E>).await
    }

    /// As [`update`](Self::update), unless `change` gives up with an error of the caller's; see
    /// [`Collection::try_update`](crate::Collection::try_update).
    pub async fn try_update<L, F, X>(&self, id: L, change: F) -> Result<Arc<E>, X>
    where
        S: AtomicStore,
        L: Lookup<E::Id>,
        F: FnMut(&mut E) -> Result<(), X>,
        X: From<Error>,
    {
        self.change("try_update", id, change, None::<fn() -> E>).await
    }

    /// As [`update`](Self::update), or writes what `create` makes where there is none; see
    /// [`Collection::upsert`](crate::Collection::upsert).
    pub async fn upsert<L, C, F>(&self, id: L, create: C, change: F) -> Result<Arc<E>>
    where
        S: AtomicStore,
        L: Lookup<E::Id>,
        C: FnMut() -> E,
        F: FnMut(&mut E),
    {
        self.change("upsert", id, always(change), Some(create)).await
    }

    /// Removes the entity from the store, if there is one, then from memory.
    pub async fn delete<L: Lookup<E::Id>>(&self, id: L) -> Result<()> {
        let id = id.into_id();
        let writing = self.begin(id.clone()).await;
        self.collection().delete_at(self.collection().key_of_id(&id)).await?;
        writing.hold(Fill::Absent { for_origin: false });
        Ok(())
    }

    /// Gives what is in the store its full TTL again, and says whether it is there; see [`Collection::touch`](crate::Collection::touch).
    /// The memory goes on serving what it holds, until the expiry that it knew.
    pub async fn touch<L: Lookup<E::Id>>(&self, id: L) -> Result<bool>
    where
        E: Touch,
        S: AtomicStore,
    {
        let id = id.into_id();
        let mut writing = self.tier.begin_write(id.clone(), true);
        writing.after_fill().await;
        let since = self.tier.now();
        let there = self.collection().touch_at(self.collection().key_of_id(&id)).await?;
        if there {
            writing.keep(self.collection().touched_until(since));
        }
        Ok(there)
    }

    async fn change<L: Lookup<E::Id>, X: From<Error>>(
        &self,
        operation: &'static str,
        id: L,
        change: impl FnMut(&mut E) -> Result<(), X>,
        create: Option<impl FnMut() -> E>,
    ) -> Result<Arc<E>, X>
    where
        S: AtomicStore,
    {
        let id = id.into_id();
        let writing = self.begin(id.clone()).await;
        let (since, key) = (self.tier.now(), self.collection().key_of_id(&id));
        let changed = self.collection().change(operation, key, id, change, create).await?;
        Ok(self.hold_changed(writing, changed, since))
    }

    pub(super) async fn begin(&self, id: E::Id) -> Writing<E> {
        let mut writing = self.tier.begin_write(id, false);
        writing.after_fill().await;
        writing
    }

    pub(super) fn hold_changed(&self, writing: Writing<E>, changed: Found<E>, since: Timestamp) -> Arc<E> {
        let entity = Arc::new(changed.entity);
        writing.hold(Fill::Present(self.tier.entry(&entity, since, None, changed.expires_at)));
        entity
    }

    fn hold_written(&self, writing: Writing<E>, entity: &Arc<E>, since: Timestamp) {
        let expires_at = self.collection().expires_at(entity, since);
        writing.hold(Fill::Present(self.tier.entry(entity, since, None, expires_at)));
    }
}
