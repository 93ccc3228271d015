//! Reads that go on to an origin.

use kv_store::key::Lookup;
use kv_store::store::Store;
use kv_store::{BoxError, Error, MaybeSend, Result};

use super::Cached;
use super::answer::{Answer, Ask, When};
use super::fill_store::Report;
use super::origin::{FromOrigin, origin};
use super::tier::Look;
use crate::collection::IdRef;
use crate::entity::KvEntity;
use crate::sourced::{Source, Sourced};

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns the entity with this id: from memory, from the store, or from the origin. Callers
    /// that ask at the same time share one load. An entity from the origin fills memory and store.
    ///
    /// `load` returns the entity, an `Option` of it if the origin may have none, or either in
    /// [`Loaded`](super::Loaded), which sets TTLs for this entity. The answer has the same form.
    /// `load` must own what it uses, because it may go on in a task. It is called once for all
    /// callers, or not at all. After a failure the origin is not asked again for
    /// [`Cache::pause`](super::Cache::pause).
    ///
    /// If the store fails, the origin is asked: here the store is a cache of the origin.
    ///
    /// The entity is held as `load` made it, with its `#[kv(skip)]` fields. [`get`](Self::get) says
    /// for how long.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the loader's error, or if it panicked, for all callers that wait. Two
    /// mistakes of a loader are [`Error::Load`] as well, and are not retryable: an entity with
    /// another id than the one that was asked for, and a call of this cache that waits for the
    /// loader's own load, directly or through other loads.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use kv_runtime::{Kv, KvEntity, cache::Cache, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User { #[kv(id)] id: u64, name: String }
    /// # #[derive(Clone)]
    /// # struct Api;
    /// # impl Api {
    /// #     async fn find(&self, id: u64) -> Result<Option<User>, std::io::Error> { let _ = id; Ok(None) }
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let (kv, api) = (Kv::new(MemoryStore::new()), Api);
    /// let users = kv.collection::<User>().cached(Cache::new());
    /// let user: Option<Arc<User>> = users.get_or_load(7, {
    ///     let api = api.clone();
    ///     move || async move { api.find(7).await }
    /// }).await?;
    /// # assert!(user.is_none());
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get_or_load<F, Fut, T, X>(&self, id: IdRef<'_, E>, load: F) -> Result<T::Found>
    where
        F: FnOnce() -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<T, X>> + MaybeSend + 'static,
        T: FromOrigin<E>,
        X: Into<BoxError>,
    {
        Ok(self.get_or_load_detailed(id, load).await?.value)
    }

    /// Returns the answer of [`get_or_load`](Self::get_or_load) with its source, and the error if
    /// it is stale.
    pub async fn get_or_load_detailed<F, Fut, T, X>(
        &self,
        id: IdRef<'_, E>,
        load: F,
    ) -> Result<Sourced<T::Found>>
    where
        F: FnOnce() -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<T, X>> + MaybeSend + 'static,
        T: FromOrigin<E>,
        X: Into<BoxError>,
    {
        let look = match self.tier.look(&id) {
            Look::Fresh(value) => match T::found(Some(value)) {
                Some(found) => return Ok(Sourced::new(found, Source::Memory)),
                None => Look::Nothing,
            },
            look => look,
        };
        let id = id.into_id();
        let ask = Ask::of(origin(load), When::Missed);
        let answer = self.answer(id.clone(), look, ask).end().await;
        self.in_form::<T>(&id, answer)
    }

    /// Asks the origin, whatever memory and store hold, and fills both. If the origin has no such
    /// entity, the record in the store is removed.
    ///
    /// # Errors
    ///
    /// The call fails if the store does not hold the origin's answer afterwards. That is
    /// [`Error::Conflict`] if another writer wrote or deleted the record while the origin was
    /// asked: that write stays, and memory forgets the id. Call it again then. If the store failed,
    /// it is the store's error, and memory holds the origin's answer. Callers that wait for the
    /// same load get the entity in any case.
    pub async fn refresh_from<F, Fut, T, X>(&self, id: IdRef<'_, E>, load: F) -> Result<T::Found>
    where
        F: FnOnce() -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<T, X>> + MaybeSend + 'static,
        T: FromOrigin<E>,
        X: Into<BoxError>,
    {
        let id = id.into_id();
        let report = Report::default();
        let ask = Ask { report: Some(report.clone()), ..Ask::of(origin(load), When::Always) };
        let answer = self.answer(id.clone(), Look::Nothing, ask).end().await;
        let found = self.in_form::<T>(&id, answer)?.value;
        match report.take() {
            None => Ok(found),
            Some(error) => {
                if matches!(error, Error::Conflict { .. }) {
                    // The store holds something else, which the next read is to see.
                    self.tier.forget(&id);
                }
                Err(error)
            }
        }
    }

    /// The answer in the loader's form. A loader of plain entities shares a load with one that may
    /// say that there is none.
    fn in_form<T: FromOrigin<E>>(&self, id: &E::Id, answer: Answer<E>) -> Result<Sourced<T::Found>> {
        let Sourced { value, source, error } = answer?;
        match T::found(value) {
            Some(found) => Ok(Sourced::instead(found, source, error)),
            None => {
                let collection = self.own();
                Err(Error::NotFound { at: collection.at(&collection.key_of_id(id)) })
            }
        }
    }
}
