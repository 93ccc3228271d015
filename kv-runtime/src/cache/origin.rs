//! What an origin gives, in whichever form a loader has it.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kv_store::__private::catch_unwind;
use kv_store::{BoxError, BoxFuture, MaybeSend, SharedError};

use super::config::LONGEST;
use crate::entity::KvEntity;

/// What a loader may return: an entity, owned or in an `Arc`; an `Option` of one, if the origin may
/// have none; and either of these in [`Loaded`], which sets the TTLs of this entity.
#[diagnostic::on_unimplemented(
    message = "a loader cannot return `{Self}` for `{E}`",
    label = "expected a loader of `Result<{E}, _>` or `Result<Option<{E}>, _>`",
    note = "`Loaded::new(..)` around either sets the TTLs of this entity alone"
)]
pub trait FromOrigin<E>: Sized + sealed::Sealed<E> {
    /// What the caller gets: `Arc<E>`, or `Option<Arc<E>>` if there may be none.
    type Found;

    #[doc(hidden)]
    fn into_loaded(self) -> Loaded<Option<Arc<E>>>;

    /// Returns the caller's form, or `None` if it has none for an absent entity.
    #[doc(hidden)]
    fn found(value: Option<Arc<E>>) -> Option<Self::Found>;
}

/// What a loader returns, with TTLs for this entity, for example from an HTTP header.
///
/// ```
/// # use kv_runtime::cache::Loaded;
/// # use std::time::Duration;
/// # let (user, max_age) = ((), Duration::from_secs(30));
/// Loaded::new(user).memory_ttl(max_age).store_ttl(max_age)
/// # ;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Loaded<T> {
    pub(super) value: T,
    pub(super) memory_ttl: Option<Duration>,
    pub(super) store_ttl: Option<Duration>,
}

impl<T> Loaded<T> {
    /// Wraps a value, with the cache's TTLs.
    pub const fn new(value: T) -> Self {
        Self { value, memory_ttl: None, store_ttl: None }
    }

    /// Sets how long the entity is served from memory.
    pub fn memory_ttl(mut self, ttl: Duration) -> Self {
        self.memory_ttl = Some(ttl.min(LONGEST));
        self
    }

    /// Sets how long the entity stays in the store.
    pub fn store_ttl(mut self, ttl: Duration) -> Self {
        self.store_ttl = Some(ttl.min(LONGEST));
        self
    }
}

impl<E: KvEntity> FromOrigin<E> for E {
    type Found = Arc<E>;

    fn into_loaded(self) -> Loaded<Option<Arc<E>>> {
        Loaded::new(Some(Arc::new(self)))
    }

    fn found(value: Option<Arc<E>>) -> Option<Arc<E>> {
        value
    }
}

impl<E: KvEntity> FromOrigin<E> for Arc<E> {
    type Found = Arc<E>;

    fn into_loaded(self) -> Loaded<Option<Arc<E>>> {
        Loaded::new(Some(self))
    }

    fn found(value: Option<Arc<E>>) -> Option<Arc<E>> {
        value
    }
}

impl<E: KvEntity> FromOrigin<E> for Option<E> {
    type Found = Option<Arc<E>>;

    fn into_loaded(self) -> Loaded<Option<Arc<E>>> {
        Loaded::new(self.map(Arc::new))
    }

    fn found(value: Option<Arc<E>>) -> Option<Option<Arc<E>>> {
        Some(value)
    }
}

impl<E: KvEntity> FromOrigin<E> for Option<Arc<E>> {
    type Found = Option<Arc<E>>;

    fn into_loaded(self) -> Loaded<Option<Arc<E>>> {
        Loaded::new(self)
    }

    fn found(value: Option<Arc<E>>) -> Option<Option<Arc<E>>> {
        Some(value)
    }
}

impl<E: KvEntity, T: FromOrigin<E>> FromOrigin<E> for Loaded<T> {
    type Found = T::Found;

    fn into_loaded(self) -> Loaded<Option<Arc<E>>> {
        let Loaded { value, memory_ttl, store_ttl } = self.value.into_loaded();
        Loaded { value, memory_ttl: self.memory_ttl.or(memory_ttl), store_ttl: self.store_ttl.or(store_ttl) }
    }

    fn found(value: Option<Arc<E>>) -> Option<T::Found> {
        T::found(value)
    }
}

mod sealed {
    use std::sync::Arc;

    use super::{KvEntity, Loaded};

    pub trait Sealed<E> {}
    impl<E: KvEntity> Sealed<E> for E {}
    impl<E: KvEntity> Sealed<E> for Arc<E> {}
    impl<E: KvEntity> Sealed<E> for Option<E> {}
    impl<E: KvEntity> Sealed<E> for Option<Arc<E>> {}
    impl<E: KvEntity, T: Sealed<E>> Sealed<E> for Loaded<T> {}
}

/// A loader of any type. It is called once, with the ids that it is asked for.
pub(super) type Origin<E> = Box<dyn Load<E>>;

/// One answer for each id, in the order of the ids.
type Given<E> = Result<Vec<Result<Loaded<Option<Arc<E>>>, OtherId>>, SharedError>;

pub(super) trait Load<E: KvEntity>: MaybeSend {
    fn load(self: Box<Self>, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>>;
}

impl<E: KvEntity, F> Load<E> for F
where
    F: FnOnce(Vec<E::Id>) -> BoxFuture<'static, Given<E>> + MaybeSend,
{
    fn load(self: Box<Self>, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>> {
        self(ids)
    }
}

/// Returns a loader of one id without its types.
pub(super) fn origin<E, F, Fut, T, X>(load: F) -> Origin<E>
where
    E: KvEntity,
    F: FnOnce() -> Fut + MaybeSend + 'static,
    Fut: Future<Output = Result<T, X>> + MaybeSend + 'static,
    T: FromOrigin<E>,
    X: Into<BoxError>,
{
    Box::new(move |ids: Vec<E::Id>| -> BoxFuture<'static, _> {
        Box::pin(async move {
            let loaded = result_of(guarded(load).await)?.into_loaded();
            let is_other = loaded.value.as_ref().is_some_and(|value| !ids.contains(&value.id()));
            Ok(vec![if is_other { Err(OtherId) } else { Ok(loaded) }])
        })
    })
}

/// A loader of many ids, without its types. A background refresh shares it with the call that
/// passed it.
pub(super) struct ManyOrigin<E: KvEntity>(Arc<Mutex<dyn LoadMany<E>>>);

trait LoadMany<E: KvEntity>: MaybeSend {
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>>;
}

impl<E: KvEntity, F> LoadMany<E> for F
where
    F: FnMut(Vec<E::Id>) -> BoxFuture<'static, Given<E>> + MaybeSend,
{
    fn load(&mut self, ids: Vec<E::Id>) -> BoxFuture<'static, Given<E>> {
        self(ids)
    }
}

impl<E: KvEntity> ManyOrigin<E> {
    pub(super) fn new<F, Fut, T, X>(mut load: F) -> Self
    where
        F: FnMut(Vec<E::Id>) -> Fut + MaybeSend + 'static,
        Fut: Future<Output = Result<Vec<T>, X>> + MaybeSend + 'static,
        T: FromOrigin<E>,
        X: Into<BoxError>,
    {
        Self(Arc::new(Mutex::new(move |ids: Vec<E::Id>| -> BoxFuture<'static, _> {
            let asked = ids.clone();
            // Called here and polled there: both may panic.
            let loading = panic::catch_unwind(AssertUnwindSafe(|| load(ids)));
            Box::pin(async move {
                let Ok(loading) = loading else { return Err(SharedError::new(Panicked)) };
                let given = result_of(guarded(|| loading).await)?;
                Ok(in_order(asked, given.into_iter().map(T::into_loaded)))
            })
        })))
    }

    /// Returns the loader for one call of it.
    pub(super) fn once(&self) -> Origin<E> {
        let shared = Arc::clone(&self.0);
        Box::new(move |ids| shared.lock().unwrap_or_else(PoisonError::into_inner).load(ids))
    }
}

/// Returns one answer for each id, of which one may come twice. What nobody asked for is left out.
fn in_order<E: KvEntity>(
    ids: Vec<E::Id>,
    given: impl Iterator<Item = Loaded<Option<Arc<E>>>>,
) -> Vec<Result<Loaded<Option<Arc<E>>>, OtherId>> {
    let given: HashMap<E::Id, _> =
        given.filter_map(|loaded| Some((loaded.value.as_ref()?.id(), loaded))).collect();
    ids.iter().map(|id| Ok(given.get(id).cloned().unwrap_or(Loaded::new(None)))).collect()
}

fn result_of<T, X: Into<BoxError>>(ended: Option<Result<T, X>>) -> Result<T, SharedError> {
    match ended {
        Some(result) => result.map_err(|error| SharedError::from(error.into())),
        None => Err(SharedError::new(Panicked)),
    }
}

/// Runs the application's loader. A panic in it becomes the load's error, for all callers that
/// wait, and unwinds none of their tasks.
async fn guarded<T, Fut: Future<Output = T>>(load: impl FnOnce() -> Fut) -> Option<T> {
    catch_unwind(pin!(panic::catch_unwind(AssertUnwindSafe(load)).ok()?)).await
}

/// The error of a loader that panicked. It has a fixed text, because a panic message may quote a
/// value.
#[derive(Debug, thiserror::Error)]
#[error("the loader panicked")]
struct Panicked;

/// Refuses an entity with another id than the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the loader returned an entity with another id than the one that was asked for")]
pub(super) struct OtherId;
