//! What a cache can hold without a copy.

use std::sync::Arc;

use crate::entity::KvEntity;

/// An entity that is handed over to a cache, which holds what it writes: `E` or `Arc<E>`.
#[diagnostic::on_unimplemented(
    message = "a cache cannot keep `{Self}`",
    label = "expected `{E}` or `Arc<{E}>`",
    note = "a cache holds what it writes, so it takes the entity itself and not a reference: hand it over, or a clone of it, or an `Arc`",
    note = "`.collection()` of a cache has the writes that take a reference; after one, memory holds nothing of its id"
)]
pub trait IntoShared<E>: sealed::Sealed<E> {
    #[doc(hidden)]
    fn into_shared(self) -> Arc<E>;
}

impl<E: KvEntity> IntoShared<E> for E {
    fn into_shared(self) -> Arc<E> {
        Arc::new(self)
    }
}

impl<E: KvEntity> IntoShared<E> for Arc<E> {
    fn into_shared(self) -> Arc<E> {
        self
    }
}

mod sealed {
    use std::sync::Arc;

    use super::KvEntity;

    pub trait Sealed<E> {}
    impl<E: KvEntity> Sealed<E> for E {}
    impl<E: KvEntity> Sealed<E> for Arc<E> {}
}
