//! Changes without a condition, through a cache.

use std::sync::Arc;

use super::Cached;
use super::write::Failed;
use crate::collection::{IdRef, Touched, once};
use crate::entity::{KvEntity, Touch};
use crate::error::{ChangeError, Error, Result};
use crate::key::Lookup;
use crate::store::Store;

/// Among the writes through this cache the same rules hold as for [`update`](Self::update): no load
/// that one of them has met is held, and the memory forgets the id where it is not known how one
/// ended.
impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Changes the entity that is in the store, whatever the memory holds, on every store, then
    /// holds it as it was written.
    ///
    /// **The last write wins**, as in
    /// [`Collection::update_last_write_wins`](crate::Collection::update_last_write_wins). Where the
    /// store's reads may be old, the change is made to what it reads, which may be older than what
    /// the memory holds.
    pub async fn update_last_write_wins<F>(&self, id: IdRef<'_, E>, change: F) -> Result<Arc<E>>
    where
        F: FnOnce(&mut E),
    {
        self.overwrite("update_last_write_wins", id, once(change), None::<fn() -> E>).await
    }

    /// As [`update_last_write_wins`](Self::update_last_write_wins), but `change` may fail with the
    /// caller's own error; see
    /// [`Collection::try_update_last_write_wins`](crate::Collection::try_update_last_write_wins).
    pub async fn try_update_last_write_wins<F, X>(&self, id: IdRef<'_, E>, change: F) -> Result<Arc<E>, X>
    where
        F: FnOnce(&mut E) -> Result<(), X>,
        X: ChangeError,
    {
        self.overwrite("try_update_last_write_wins", id, change, None::<fn() -> E>).await
    }

    /// As [`update_last_write_wins`](Self::update_last_write_wins), or writes what `create` makes
    /// where there is none; see
    /// [`Collection::upsert_last_write_wins`](crate::Collection::upsert_last_write_wins).
    pub async fn upsert_last_write_wins<C, F>(&self, id: IdRef<'_, E>, create: C, change: F) -> Result<Arc<E>>
    where
        C: FnOnce() -> E,
        F: FnOnce(&mut E),
    {
        self.overwrite("upsert_last_write_wins", id, once(change), Some(create)).await
    }

    /// Gives the record in the store its full TTL again by rewriting it, and returns whether it
    /// exists; see
    /// [`Collection::touch_last_write_wins`](crate::Collection::touch_last_write_wins).
    ///
    /// What is written is what the store gave, which may be older than what the memory holds: so
    /// the memory forgets it. What an interval spares it goes on serving.
    pub async fn touch_last_write_wins(&self, id: IdRef<'_, E>) -> Result<bool>
    where
        E: Touch,
    {
        let id = id.into_id();
        let mut writing = self.tier.begin_write(id.clone(), true);
        writing.after_fill().await;
        let touched = self.collection().rewrite_at(self.collection().key_of_id(&id)).await;
        match &touched {
            Ok(Touched::Spared) => writing.keep(),
            // What was written may be older than what the memory holds.
            Ok(Touched::Written | Touched::Absent) => writing.give_up(),
            Err(error) => writing.fail(error),
        }
        Ok(touched? != Touched::Absent)
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
        let (since, key) = (self.tier.now(), self.collection().key_of_id(&id));
        let change = |entity: &mut E| change(entity).map_err(Failed::Caller);
        let changed = self.collection().overwrite(operation, key, id, change, create).await;
        self.hold_changed(writing, changed, since)
    }
}
