//! `Send` where threads exist, nothing where they do not.
//!
//! A Worker's JavaScript handles are not `Send`, and wasm32 has one thread. One bound absorbs the
//! difference, so that every trait here is written once.

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    /// A boxed future. It is `Send`, except on wasm32. Calls that take many ids return one, so that
    /// a wrong id is one compile error.
    pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

    /// `Send`, except on wasm32, where every type implements it.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}

    /// `Sync`, except on wasm32, where every type implements it.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
}

#[cfg(target_arch = "wasm32")]
mod imp {
    /// A boxed future. It is `Send`, except on wasm32. Calls that take many ids return one, so that
    /// a wrong id is one compile error.
    pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + 'a>>;

    /// `Send`, except on wasm32, where every type implements it.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    /// `Sync`, except on wasm32, where every type implements it.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
}

pub use imp::{BoxFuture, MaybeSend, MaybeSync};
