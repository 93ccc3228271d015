//! Reads: memory, then the store.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use super::Cached;
use super::answer::{Ask, Begun, When};
use super::stats::Count;
use super::tier::Look;
use crate::collection::{IdRef, warn};
use crate::entity::KvEntity;
use crate::error::Result;
use crate::key::Lookup;
use crate::served::{Served, Whence};
use crate::store::Store;

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// The entity with this id, or nothing: from memory, or from the store, once for all who ask
    /// meanwhile.
    ///
    /// If the store fails, what is stale is served as long as
    /// [`Cache::stale_for`](super::Cache::stale_for) says; [`get_detailed`](Self::get_detailed)
    /// tells. Otherwise all who wait get the same error.
    ///
    /// A field with `#[kv(skip)]`, which no store keeps, is as the loader or the writer of the
    /// entity has set it until the memory lets go of that; once it is read from the store, the
    /// field is its `Default`.
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

    /// As [`get`](Self::get), with where the answer came from, and what failed if it is a stale
    /// one.
    pub async fn get_detailed(&self, id: IdRef<'_, E>) -> Result<Served<Option<Arc<E>>>> {
        match self.tier.look(&id) {
            Look::Fresh(value) => Ok(Served::new(Some(value), Whence::Memory)),
            look => self.answer(id.into_id(), look, Ask::STORE).end().await,
        }
    }

    /// What the memory holds of this id and need not be loaded again. It asks nobody and does not
    /// wait.
    #[inline]
    pub fn peek(&self, id: IdRef<'_, E>) -> Option<Arc<E>> {
        match self.tier.look(&id) {
            Look::Fresh(value) | Look::Due(value) => Some(value),
            Look::Stale(_) | Look::Nothing => None,
        }
    }

    /// The entity with this id, or `fallback` where there is none or it cannot be read: it never
    /// fails. If the store fails, what is stale goes before the fallback; if the store says that it
    /// has none, the fallback is served. It gets the id that was asked for, and is kept nowhere.
    ///
    /// A failure is a `tracing` event at warn level. It waits as long as the store does, unless
    /// there is a [`hard_timeout`](super::Cache::hard_timeout).
    pub async fn get_or(&self, id: IdRef<'_, E>, fallback: E) -> Arc<E> {
        match self.tier.look(&id) {
            Look::Fresh(value) => value,
            look => self.answer_or(id.into_id(), look, fallback).await.value,
        }
    }

    /// As [`get_or`](Self::get_or), with where the entity came from and what failed, if something
    /// did.
    pub async fn get_or_detailed(&self, id: IdRef<'_, E>, fallback: E) -> Served<Arc<E>> {
        match self.tier.look(&id) {
            Look::Fresh(value) => Served::new(value, Whence::Memory),
            look => self.answer_or(id.into_id(), look, fallback).await,
        }
    }

    /// Reads the store, whatever the memory holds, and keeps what it says. If it fails, the memory
    /// keeps what it has.
    pub async fn refresh(&self, id: IdRef<'_, E>) -> Result<Option<Arc<E>>> {
        let ask = Ask { when: When::Always, ..Ask::STORE };
        Ok(self.answer(id.into_id(), Look::Nothing, ask).end().await?.value)
    }

    async fn answer_or(&self, id: E::Id, look: Look<E>, mut fallback: E) -> Served<Arc<E>> {
        let error = match self.answer(id.clone(), look, Ask::STORE).end().await {
            Ok(Served { value: Some(value), whence, error }) => return Served::instead(value, whence, error),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        self.tier.counters.count(Count::Fallback);
        warn(error.as_ref());
        fallback.set_id(id);
        Served::instead(Arc::new(fallback), Whence::Fallback, error)
    }
}
