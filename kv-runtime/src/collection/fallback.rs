//! The error boundary: an answer whatever happens.

use kv_store::__private::causes;
use kv_store::Error;
use kv_store::store::{GetOptions, Store};

use super::{Collection, IdRef};
use crate::entity::KvEntity;
use crate::sourced::{Source, Sourced};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entity with this id, or `fallback` if there is none or it cannot be read. It
    /// never fails.
    ///
    /// The fallback gets the id that was asked for, and is not stored. A failure is a `tracing`
    /// event at warn level. The call waits as long as the store does, so a store that may hang
    /// needs a [timeout](crate::layer::TimeoutStore).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// #[derive(KvEntity, Default)]
    /// #[kv(prefix = "config")]
    /// struct Config {
    ///     #[kv(id)]
    ///     app: String,
    ///     max_items: u32,
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let configs = Kv::new(MemoryStore::new()).collection::<Config>();
    /// let config = configs.get_or("shop", Config { max_items: 20, ..Config::default() }).await;
    /// assert_eq!((config.app.as_str(), config.max_items), ("shop", 20));
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or(&self, id: IdRef<'_, E>, fallback: E) -> impl Future<Output = E> + use<'_, E, S> {
        let served = self.get_or_detailed(id, fallback);
        async move { served.await.value }
    }

    /// Returns the entity as [`get_or`](Self::get_or) does, with its source and the error, if there
    /// was one.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let fallback = User { id: 0, name: "nobody".to_owned() };
    /// let served = users.get_or_detailed(7, fallback).await;
    /// assert_eq!(served.source, kv_runtime::Source::Fallback);
    /// assert!(served.error.is_none()); // there is no such user, and nothing failed
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_detailed(
        &self,
        id: IdRef<'_, E>,
        mut fallback: E,
    ) -> impl Future<Output = Sourced<E>> + use<'_, E, S> {
        let (key, id) = self.key_and_id(id);
        async move {
            let error = match self.look(id.clone(), &key, GetOptions::new(), |entity, _| entity).await {
                Ok(Some(entity)) => return Sourced::new(entity, Source::Store),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            fallback.set_id(id);
            warn(error.as_ref());
            Sourced::instead(fallback, Source::Fallback, error)
        }
    }
}

/// Warns that served a fallback because the entity could not be read.
pub(crate) fn warn(error: Option<&Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, cause = causes(error), "served a fallback");
    }
}
