//! How a store is filled with what an origin gave.

use std::time::Duration;

use kv_store::key::Key;
use kv_store::store::{AtomicStore, Commit, Condition, Store};
use kv_store::{BoxFuture, Result};

use crate::collection::Collection;
use crate::entity::KvEntity;

/// Fills the store only if it still holds what the miss saw: the same record, or none. This is the
/// default of a [`Cache`](super::Cache).
#[derive(Clone, Copy, Debug)]
pub struct IfUnchanged;

/// Overwrites whatever the store holds: [`Cache::pure_cache`](super::Cache::pure_cache).
#[derive(Clone, Copy, Debug)]
pub struct PureCache;

/// Not at all: [`Cache::without_filling`](super::Cache::without_filling).
#[derive(Clone, Copy, Debug)]
pub struct Never;

/// A way of filling that a store can do.
#[diagnostic::on_unimplemented(
    message = "a cache needs to know how to fill `{S}` from an origin: this store has no compare-and-swap",
    label = "this cache fills a store only if it can detect that another writer came first",
    note = "`Cache::new().without_filling()` keeps what the origin returns in memory only; use it for records that others write",
    note = "`Cache::new().pure_cache()` overwrites the store without reading it; use it if the store holds only copies of the origin"
)]
pub trait FillStore<S: Store>: sealed::Sealed {
    #[doc(hidden)]
    fn filler<E: KvEntity>() -> Filler<E, S>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::IfUnchanged {}
    impl Sealed for super::PureCache {}
    impl Sealed for super::Never {}
}

/// How a collection's store is filled.
#[doc(hidden)]
pub struct Filler<E, S> {
    pub(super) fill: Option<Fill<E, S>>,
    /// Whether it overwrites without a condition.
    pub(super) is_unseen: bool,
}

/// Makes the store hold what an origin gave.
type Fill<E, S> = for<'a> fn(&'a Collection<E, S>, Filling<'a, E>) -> BoxFuture<'a, Result<Commit>>;

/// What is to be written, and where.
pub(super) struct Filling<'a, E> {
    pub(super) key: &'a Key,
    /// What the miss saw.
    pub(super) unchanged: Vec<Condition>,
    /// Nothing, if the origin says that there is none.
    pub(super) entity: Option<&'a E>,
    pub(super) ttl: Option<Duration>,
}

// Otherwise the compiler would ask for the store to be atomic, and so hide the ways for one that is
// not.
#[diagnostic::do_not_recommend]
impl<S: AtomicStore> FillStore<S> for IfUnchanged {
    fn filler<E: KvEntity>() -> Filler<E, S> {
        let fill: Fill<E, S> = |collection, Filling { key, unchanged, entity, ttl }| {
            Box::pin(collection.fill(key, unchanged, entity, ttl))
        };
        Filler { fill: Some(fill), is_unseen: false }
    }
}

impl<S: Store> FillStore<S> for PureCache {
    fn filler<E: KvEntity>() -> Filler<E, S> {
        let fill: Fill<E, S> =
            |collection, Filling { key, entity, ttl, .. }| Box::pin(collection.fill_unseen(key, entity, ttl));
        Filler { fill: Some(fill), is_unseen: true }
    }
}

impl<S: Store> FillStore<S> for Never {
    fn filler<E: KvEntity>() -> Filler<E, S> {
        Filler { fill: None, is_unseen: false }
    }
}

impl<E, S> Clone for Filler<E, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, S> Copy for Filler<E, S> {}
