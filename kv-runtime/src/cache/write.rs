//! Writes: the store first, then memory.

use std::sync::Arc;

use kv_store::key::Lookup;
use kv_store::store::{AtomicStore, GetOptions, Store};
use kv_store::{BoxFuture, Error, Result, Timestamp};

use super::entry::Moment;
use super::tier::{Fill, RecordExpiry};
use super::writing::Writing;
use super::{Cached, IntoShared};
use crate::collection::{Changing, IdRef, NotChanged, StoredEntity, always};
use crate::entity::{KvEntity, Touch};

/// Each write begins before its store call and ends after it, also if it fails or is dropped: then
/// the memory forgets the id.
impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Writes the entity as [`Collection::put`](crate::Collection::put) does, then holds it in
    /// memory.
    pub fn put(&self, entity: impl IntoShared<E>) -> BoxFuture<'_, Result<()>> {
        let entity = entity.into_shared();
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move {
            let writing = self.begin(entity.id()).await;
            let begun = self.begun();
            let written = self.own().put(&entity).await;
            self.hold_written(writing, written, &entity, begun)
        })
    }

    /// Removes the entity from the store and from memory.
    pub async fn delete(&self, id: IdRef<'_, E>) -> Result<()> {
        let id = id.into_id();
        let writing = self.begin(id.clone()).await;
        let since = self.tier.now();
        let deleted = self.own().delete_at(self.own().key_of_id(&id)).await;
        match &deleted {
            Ok(()) => writing.hold(Fill::Absent { since, for_origin: false }),
            Err(error) => writing.fail(error),
        }
        deleted
    }
}

/// Writes on a condition. They need a store with compare-and-swap.
// The bound is on the impl block and not on each method, as in `collection/change.rs`.
impl<E: KvEntity, S: AtomicStore> Cached<E, S> {
    /// Writes the entity as [`Collection::insert`](crate::Collection::insert) does, if there is
    /// none, then holds it in memory.
    pub fn insert(&self, entity: impl IntoShared<E>) -> BoxFuture<'_, Result<()>> {
        let entity = entity.into_shared();
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move {
            let writing = self.begin(entity.id()).await;
            let begun = self.begun();
            let written = self.own().insert(&entity).await;
            self.hold_written(writing, written, &entity, begun)
        })
    }

    /// Changes the entity in the store as [`Collection::update`](crate::Collection::update) does,
    /// without reading memory. Then holds it as it was written.
    pub async fn update<F>(&self, id: IdRef<'_, E>, change: F) -> Result<Arc<E>>
    where
        F: FnMut(&mut E),
    {
        self.change("update", id, always(change), None::<fn() -> E>).await
    }

    /// Changes the entity as [`update`](Self::update) does, but `change` may fail with the caller's
    /// own error; see [`Collection::try_update`](crate::Collection::try_update).
    pub fn try_update<F, X>(
        &self,
        id: IdRef<'_, E>,
        mut change: F,
    ) -> Changing<impl Future<Output = Result<Arc<E>, NotChanged<X>>>>
    where
        F: FnMut(&mut E) -> Result<(), X>,
    {
        let change = move |entity: &mut E| change(entity).map_err(NotChanged::Refused);
        Changing::new(self.change("try_update", id, change, None::<fn() -> E>))
    }

    /// Changes the entity as [`update`](Self::update) does, or writes what `create` returns if
    /// there is none; see [`Collection::upsert`](crate::Collection::upsert).
    pub async fn upsert<C, F>(&self, id: IdRef<'_, E>, create: C, change: F) -> Result<Arc<E>>
    where
        C: FnMut() -> E,
        F: FnMut(&mut E),
    {
        self.change("upsert", id, always(change), Some(create)).await
    }

    /// Gives the record in the store its full TTL again, and returns whether it exists; see
    /// [`Collection::touch`](crate::Collection::touch). Memory serves the entity until the expiry
    /// that it knew.
    pub fn touch(&self, id: IdRef<'_, E>) -> BoxFuture<'_, Result<bool>>
    where
        E: Touch,
    {
        let id = id.into_id();
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move {
            let mut writing = self.tier.begin_write(id.clone(), true);
            writing.after_fill().await;
            let touched = self.own().touch_at(self.own().key_of_id(&id)).await;
            match &touched {
                // No touch shortens the life of a record.
                Ok(true) => writing.keep(),
                Ok(false) => writing.give_up(),
                Err(error) => writing.fail(error),
            }
            touched
        })
    }

    async fn change<X: From<Error>>(
        &self,
        operation: &'static str,
        id: IdRef<'_, E>,
        mut change: impl FnMut(&mut E) -> Result<(), X>,
        create: Option<impl FnMut() -> E>,
    ) -> Result<Arc<E>, X> {
        let id = id.into_id();
        let writing = self.begin(id.clone()).await;
        let (since, key) = (self.tier.now(), self.own().key_of_id(&id));
        let change = |entity: &mut E| change(entity).map_err(Failed::Caller);
        let options = GetOptions::new().with_expiry();
        let changed = self.own().change(operation, key, id, change, create, options).await;
        self.hold_changed(writing, changed, since)
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// The present moment by both clocks.
    fn begun(&self) -> (Moment, Timestamp) {
        (self.tier.now(), self.own().info().clock().now())
    }

    pub(super) async fn begin(&self, id: E::Id) -> Writing<E> {
        let mut writing = self.tier.begin_write(id, false);
        writing.after_fill().await;
        writing
    }

    pub(super) fn hold_changed<X: From<Error>>(
        &self,
        writing: Writing<E>,
        changed: Result<StoredEntity<E>, Failed<X>>,
        since: Moment,
    ) -> Result<Arc<E>, X> {
        match changed {
            Ok(changed) => {
                let expiry = RecordExpiry::of(&changed);
                let entity = Arc::new(changed.entity);
                writing.hold(Fill::Present(self.tier.entry(&entity, since, None, expiry)));
                Ok(entity)
            }
            Err(Failed::Caller(error)) => {
                writing.give_up();
                Err(error)
            }
            Err(Failed::Library(error)) => {
                writing.fail(&error);
                Err(X::from(error))
            }
        }
    }

    fn hold_written(
        &self,
        writing: Writing<E>,
        written: Result<()>,
        entity: &Arc<E>,
        (since, now): (Moment, Timestamp),
    ) -> Result<()> {
        match &written {
            Ok(()) => {
                let at = self.own().expires_at(entity, now);
                let expiry = RecordExpiry { at, own: at };
                writing.hold(Fill::Present(self.tier.entry(entity, since, None, expiry)));
            }
            Err(error) => writing.fail(error),
        }
        written
    }
}

/// Which code ended a change. The caller's closure fails before anything is written.
pub(super) enum Failed<X> {
    Caller(X),
    Library(Error),
}

impl<X> From<Error> for Failed<X> {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}
