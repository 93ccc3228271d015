//! Changes without a condition, through a cache.

use std::sync::Arc;

use kv_store::key::Lookup;
use kv_store::store::Store;
use kv_store::{BoxFuture, Error, Result};

use super::Cached;
use super::write::Failed;
use crate::collection::{Changing, IdRef, NotChanged, Touched, once};
use crate::entity::{KvEntity, Touch};

/// Writes through this cache follow the same rules as [`update`](Self::update): a load that meets
/// one of them is not held, and memory forgets the id if the outcome of the write is unknown.
impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Changes the entity in any store, without reading memory, and holds it as it was written.
    ///
    /// **The last write wins**, as in
    /// [`Collection::update_last_write_wins`](crate::Collection::update_last_write_wins). If reads
    /// of the store may be old, the change is made to such a read, which may be older than what
    /// memory holds.
    pub async fn update_last_write_wins<F>(&self, id: IdRef<'_, E>, change: F) -> Result<Arc<E>>
    where
        F: FnOnce(&mut E),
    {
        self.overwrite("update_last_write_wins", id, once(change), None::<fn() -> E>).await
    }

    /// Changes the entity as [`update_last_write_wins`](Self::update_last_write_wins) does, but
    /// `change` may fail with the caller's own error; see
    /// [`Collection::try_update_last_write_wins`](crate::Collection::try_update_last_write_wins).
    pub fn try_update_last_write_wins<F, X>(
        &self,
        id: IdRef<'_, E>,
        change: F,
    ) -> Changing<impl Future<Output = Result<Arc<E>, NotChanged<X>>>>
    where
        F: FnOnce(&mut E) -> Result<(), X>,
    {
        let change = move |entity: &mut E| change(entity).map_err(NotChanged::Refused);
        Changing::new(self.overwrite("try_update_last_write_wins", id, change, None::<fn() -> E>))
    }

    /// Changes the entity as [`update_last_write_wins`](Self::update_last_write_wins) does, or
    /// writes what `create` returns if there is none; see
    /// [`Collection::upsert_last_write_wins`](crate::Collection::upsert_last_write_wins).
    pub async fn upsert_last_write_wins<C, F>(&self, id: IdRef<'_, E>, create: C, change: F) -> Result<Arc<E>>
    where
        C: FnOnce() -> E,
        F: FnOnce(&mut E),
    {
        self.overwrite("upsert_last_write_wins", id, once(change), Some(create)).await
    }

    /// Gives the record in the store its full TTL again by rewriting it, and returns whether it
    /// exists; see [`Collection::touch_last_write_wins`](crate::Collection::touch_last_write_wins).
    ///
    /// It writes what the store returned, which may be older than what memory holds. So memory
    /// forgets the entity. If the touch interval skips the write, memory goes on serving it.
    pub fn touch_last_write_wins(&self, id: IdRef<'_, E>) -> BoxFuture<'_, Result<bool>>
    where
        E: Touch,
    {
        let id = id.into_id();
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move {
            let mut writing = self.tier.begin_write(id.clone(), true);
            writing.after_fill().await;
            let touched = self.own().rewrite_at(self.own().key_of_id(&id)).await;
            match &touched {
                Ok(Touched::Spared) => writing.keep(),
                // What was written may be older than what the memory holds.
                Ok(Touched::Written | Touched::Absent) => writing.give_up(),
                Err(error) => writing.fail(error),
            }
            Ok(touched? != Touched::Absent)
        })
    }

    async fn overwrite<X: From<Error>>(
        &self,
        operation: &'static str,
        id: IdRef<'_, E>,
        change: impl FnOnce(&mut E) -> Result<(), X>,
        create: Option<impl FnOnce() -> E>,
    ) -> Result<Arc<E>, X> {
        let id = id.into_id();
        let writing = self.begin(id.clone()).await;
        let (since, key) = (self.tier.now(), self.own().key_of_id(&id));
        let change = |entity: &mut E| change(entity).map_err(Failed::Caller);
        let changed = self.own().overwrite(operation, key, id, change, create).await;
        self.hold_changed(writing, changed, since)
    }
}
