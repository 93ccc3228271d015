//! Who hears of the writes of a handle: its caches, of its transactions.
//!
//! A cache is built on collections, and a transaction knows none. So caches register here, below
//! both.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use futures_util::future::join_all;
use kv_store::key::Key;
use kv_store::{BoxFuture, Error};

/// The listeners of a handle and its clones. A listener that is gone is forgotten when the next one
/// comes.
#[derive(Default)]
pub(crate) struct Listeners(RwLock<Vec<Weak<dyn Listener>>>);

/// Holds what a write may change. `Send` on wasm32, too: a `Kv` there must not lose it.
pub(crate) trait Listener: Send + Sync {
    /// Notes that a write of the record under this key begins. Returns `None` if the record does not
    /// concern the listener.
    fn begin(self: Arc<Self>, key: &Key) -> Option<Box<dyn HeardWrite>>;
}

/// A write that a listener has noted. If this is dropped, the outcome of the write is unknown.
pub(crate) trait HeardWrite: Send {
    /// Waits until nothing that began before can undo the write.
    fn ready(&mut self) -> BoxFuture<'_, ()>;

    /// The write was made, or it was not and will not be.
    fn end(self: Box<Self>);

    /// The write failed.
    fn fail(self: Box<Self>, error: &Error);
}

/// The writes of one commit, as the listeners have noted them. If this is dropped, the outcome of
/// the commit is unknown.
#[must_use]
pub(crate) struct HeardWrites(Vec<Box<dyn HeardWrite>>);

impl Listeners {
    #[cfg(all(feature = "cache", not(target_arch = "wasm32")))]
    pub(crate) fn add(&self, listener: Weak<dyn Listener>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| listener.strong_count() > 0);
        all.push(listener);
    }

    /// Tells all listeners that the records under these keys are about to be written.
    pub(crate) async fn begin<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> HeardWrites {
        let mut heard = HeardWrites(Vec::new());
        let listeners = self.all();
        if listeners.is_empty() {
            return heard;
        }
        for key in keys {
            heard.0.extend(listeners.iter().filter_map(|listener| Arc::clone(listener).begin(key)));
        }
        // Side by side: each may wait for as long as a fill.
        join_all(heard.0.iter_mut().map(|write| write.ready())).await;
        heard
    }

    fn all(&self) -> Vec<Arc<dyn Listener>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

impl HeardWrites {
    /// The commit was made, or it was not and will not be.
    pub(crate) fn end(self) {
        self.0.into_iter().for_each(HeardWrite::end);
    }

    /// The commit failed.
    pub(crate) fn fail(self, error: &Error) {
        self.0.into_iter().for_each(|write| write.fail(error));
    }
}
