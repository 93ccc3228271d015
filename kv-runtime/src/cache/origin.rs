//! What an origin gives, in whichever form a loader has it.

use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kv_store::__private::catch_unwind;
use kv_store::{BoxError, BoxFuture, MaybeSend, SharedError};

use super::config::LONGEST;
use crate::entity::KvEntity;

/// What a loader may return: an entity, owned or in an `Arc`; an `Option` of one, if the origin may
/// have none; and either of these in [`Loaded`], which sets the TTLs of this entity.
#[diagnostic::on_unimplemented(
    message = "a loader cannot give `{Self}` for `{E}`",
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
    value: T,
    memory_ttl: Option<Duration>,
    store_ttl: Option<Duration>,
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

/// A loader of any type, and what it returns.
pub(super) type Origin<E> = Box<dyn Load<E>>;

pub(super) trait Load<E>: MaybeSend {
    fn load(self: Box<Self>) -> BoxFuture<'static, Result<Loaded<Option<Arc<E>>>, SharedError>>;
}

impl<E, F> Load<E> for F
where
    F: FnOnce() -> BoxFuture<'static, Result<Loaded<Option<Arc<E>>>, SharedError>> + MaybeSend,
{
    fn load(self: Box<Self>) -> BoxFuture<'static, Result<Loaded<Option<Arc<E>>>, SharedError>> {
        self()
    }
}

/// A loader without its types.
pub(super) fn origin<E, F, Fut, T, X>(load: F) -> Origin<E>
where
    E: KvEntity,
    F: FnOnce() -> Fut + MaybeSend + 'static,
    Fut: Future<Output = Result<T, X>> + MaybeSend + 'static,
    T: FromOrigin<E>,
    X: Into<BoxError>,
{
    Box::new(move || -> BoxFuture<'static, _> {
        Box::pin(async move {
            match guarded(load).await {
                Some(Ok(given)) => Ok(given.into_loaded()),
                Some(Err(error)) => Err(SharedError::from(error.into())),
                None => Err(SharedError::new(Panicked)),
            }
        })
    })
}

impl<E> Loaded<Option<Arc<E>>> {
    pub(super) fn into_parts(self) -> (Option<Arc<E>>, [Option<Duration>; 2]) {
        (self.value, [self.memory_ttl, self.store_ttl])
    }
}

/// Runs the application's loader. A panic in it becomes the load's error, for all callers that
/// wait, and unwinds none of their tasks.
pub(super) async fn guarded<T, Fut: Future<Output = T>>(load: impl FnOnce() -> Fut) -> Option<T> {
    catch_unwind(pin!(panic::catch_unwind(AssertUnwindSafe(load)).ok()?)).await
}

/// The error of a loader that panicked. It has a fixed text, because a panic message may quote a
/// value.
#[derive(Debug, thiserror::Error)]
#[error("the loader panicked")]
pub(super) struct Panicked;

/// Refuses an entity with another id than the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the loader gave an entity with another id than the one that was asked for")]
pub(super) struct OtherId;
