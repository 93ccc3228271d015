//! Reads: memory, then the store.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use kv_store::Result;
use kv_store::key::Lookup;
use kv_store::store::Store;

use super::Cached;
use super::answer::{Ask, Begun, When};
use super::stats::Count;
use super::tier::Look;
use crate::collection::{IdRef, warn};
use crate::entity::KvEntity;
use crate::sourced::{Source, Sourced};

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns the entity with this id, or `None`: from memory, or from the store. Callers that ask
    /// at the same time share one read.
    ///
    /// If the store fails, a stale entity is served for as long as
    /// [`Cache::stale_for`](super::Cache::stale_for) says; [`get_detailed`](Self::get_detailed)
    /// marks it. Otherwise all callers that wait get the same error.
    ///
    /// A field with `#[kv(skip)]` has the value that the loader or the writer set, as long as
    /// memory holds that entity. After it was read from the store, the field is its `Default`.
    // Not an `async fn`: what the compiler makes of one moves room for an error about with each
    // hit, which is a sixth of all that a hit is.
    #[inline]
    pub fn get(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<Option<Arc<E>>>> {
        let (mut asked, mut behind) = (Some(id), None);
        poll_fn(move |context| {
            if let Some(id) = asked.take() {
                match self.tier.hit(&id) {
                    Ok(value) => return Poll::Ready(Ok(Some(value))),
                    Err(other) => {
                        let look = self.tier.look_at(other);
                        match self.answer(id.into_id(), look, Ask::STORE) {
                            Begun::Done(answer) => return Poll::Ready(answer.map(|served| served.value)),
                            Begun::Waits(waits) => behind = Some(waits),
                        }
                    }
                }
            }
            match &mut behind {
                Some(answer) => answer.as_mut().poll(context).map_ok(|served| served.value),
                None => Poll::Pending,
            }
        })
    }

    /// Returns the answer of [`get`](Self::get) with its source, and the error if it is stale.
    pub async fn get_detailed(&self, id: IdRef<'_, E>) -> Result<Sourced<Option<Arc<E>>>> {
        match self.tier.look(&id) {
            Look::Fresh(value) => Ok(Sourced::new(Some(value), Source::Memory)),
            look => self.answer(id.into_id(), look, Ask::STORE).end().await,
        }
    }

    /// Returns the entity that memory holds, if it need not be loaded again. It asks neither store
    /// nor origin, and does not wait.
    #[inline]
    pub fn peek(&self, id: IdRef<'_, E>) -> Option<Arc<E>> {
        match self.tier.look(&id) {
            Look::Fresh(value) | Look::Due(value) => Some(value),
            Look::Stale(_) | Look::Nothing => None,
        }
    }

    /// Returns the entity with this id, or `fallback` if there is none or it cannot be read. It
    /// never fails.
    ///
    /// If the store fails, a stale entity takes precedence over the fallback. If the store has no
    /// such entity, the fallback is served. The fallback gets the id that was asked for, and is not
    /// kept.
    ///
    /// A failure is a `tracing` event at warn level. The call waits as long as the store does,
    /// unless there is a [`hard_timeout`](super::Cache::hard_timeout).
    pub async fn get_or(&self, id: IdRef<'_, E>, fallback: E) -> Arc<E> {
        match self.tier.look(&id) {
            Look::Fresh(value) => value,
            look => self.answer_or(id.into_id(), look, fallback).await.value,
        }
    }

    /// Returns the entity as [`get_or`](Self::get_or) does, with its source and the error, if there
    /// was one.
    pub async fn get_or_detailed(&self, id: IdRef<'_, E>, fallback: E) -> Sourced<Arc<E>> {
        match self.tier.look(&id) {
            Look::Fresh(value) => Sourced::new(value, Source::Memory),
            look => self.answer_or(id.into_id(), look, fallback).await,
        }
    }

    /// Reads the store, whatever memory holds, and keeps the answer. If the store fails, memory
    /// keeps what it has.
    pub async fn refresh(&self, id: IdRef<'_, E>) -> Result<Option<Arc<E>>> {
        let ask = Ask { when: When::Always, ..Ask::STORE };
        Ok(self.answer(id.into_id(), Look::Nothing, ask).end().await?.value)
    }

    async fn answer_or(&self, id: E::Id, look: Look<E>, mut fallback: E) -> Sourced<Arc<E>> {
        let error = match self.answer(id.clone(), look, Ask::STORE).end().await {
            Ok(Sourced { value: Some(value), source, error }) => {
                return Sourced::instead(value, source, error);
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        self.tier.counters.count(Count::Fallback);
        warn(error.as_ref());
        fallback.set_id(id);
        Sourced::instead(Arc::new(fallback), Source::Fallback, error)
    }
}
