//! Connecting by URL, with the schemes of other crates' stores.

use std::fmt;

use kv_store::store::Store;
use kv_store::{Clock, Result};

use super::choice::AnyStore;
use super::foreign::ForeignStore;
use super::url;
use crate::kv::Kv;

/// Connects to the store of a URL, also to a store of another crate: [`Kv::connector`].
///
/// Nothing is registered for the whole program: a connector knows what it was given.
///
/// ```
/// use kv_runtime::store::{MemoryStore, StoreExt};
/// use kv_runtime::{Kv, Result};
///
/// // In another crate: `DirStore::connect`.
/// async fn connect(url: &str) -> Result<MemoryStore> {
///     assert_eq!(url, "dir:/var/lib/app");
///     Ok(MemoryStore::new())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let kv = Kv::connector().scheme("dir", connect).connect("dir:/var/lib/app").await?;
/// assert_eq!(kv.store().name(), "memory");
/// // The other schemes are there as before.
/// let kv = Kv::connector().scheme("dir", connect).connect("memory:").await?;
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Connector<C = NoSchemes> {
    schemes: C,
    clock: Clock,
}

/// The schemes of a [`Connector`] that was given none.
#[derive(Clone, Copy, Debug)]
pub struct NoSchemes;

/// A scheme of a [`Connector`], and those that were given before it.
pub struct WithScheme<C, F> {
    scheme: &'static str,
    connect: F,
    others: C,
}

/// The schemes that a connector was given.
#[doc(hidden)]
pub trait Schemes {
    /// Connects, if one of them is the URL's.
    #[allow(async_fn_in_trait, reason = "the caller knows the schemes, and so whether it is `Send`")]
    async fn open(self, scheme: &str, url: &str) -> Option<Result<AnyStore>>;
}

impl Schemes for NoSchemes {
    async fn open(self, _: &str, _: &str) -> Option<Result<AnyStore>> {
        None
    }
}

impl<C: Schemes, F: AsyncFnOnce(&str) -> Result<S>, S: Store> Schemes for WithScheme<C, F> {
    async fn open(self, scheme: &str, url: &str) -> Option<Result<AnyStore>> {
        if self.scheme != scheme {
            return self.others.open(scheme, url).await;
        }
        let store = (self.connect)(url).await;
        Some(store.map(|store| AnyStore::Foreign(ForeignStore::new(store))))
    }
}

impl Connector {
    pub(crate) const fn new() -> Self {
        Self { schemes: NoSchemes, clock: Clock::system() }
    }
}

impl<C: Schemes> Connector<C> {
    /// Adds a scheme: the URLs that begin with `scheme` and a colon are opened by `connect`, which is
    /// given the whole URL. It goes before schemes of the same name that were added earlier or that
    /// this library has.
    pub fn scheme<F, S>(self, scheme: &'static str, connect: F) -> Connector<WithScheme<C, F>>
    where
        F: AsyncFnOnce(&str) -> Result<S>,
        S: Store,
    {
        Connector { schemes: WithScheme { scheme, connect, others: self.schemes }, clock: self.clock }
    }

    /// Sets the clock of this library's stores. A store of another crate has the one that its
    /// `connect` gives it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Connects to the store of a URL.
    ///
    /// # Errors
    ///
    /// Fails as [`AnyStore::connect`] does, or with the error of the `connect` of the URL's scheme.
    pub async fn connect(self, url: &str) -> Result<Kv<AnyStore>> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let opened = match self.schemes.open(scheme, url).await {
            Some(opened) => opened,
            None => url::connect(url, self.clock).await,
        };
        opened.map(Kv::new)
    }
}

impl<C> fmt::Debug for Connector<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl<C, F> fmt::Debug for WithScheme<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithScheme").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}
