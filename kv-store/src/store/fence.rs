//! Fences: the leases of a store that one process has for itself.
//!
//! The store counts the writes of each key that has a fence. Every write of the key voids them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells whether a key was written since it was made: a [`Lease`](super::Lease).
#[derive(Clone, Debug)]
pub struct Fence(Arc<Post>);

#[derive(Debug)]
struct Post {
    key: Box<str>,
    /// How many writes of the key were counted when the fence was made.
    writes: u64,
    fences: Arc<Fences>,
}

/// The fences of a store.
#[derive(Debug, Default)]
pub struct Fences {
    /// How many fences exist, so that a write costs next to nothing if there are none.
    posts: AtomicUsize,
    keys: Mutex<HashMap<Box<str>, Fenced>>,
}

#[derive(Debug, Default)]
struct Fenced {
    posts: usize,
    writes: u64,
}

impl Fence {
    /// Whether the key was not written since the fence was made. A store must call this under the
    /// lock or in the transaction of the commit.
    pub fn holds(&self) -> bool {
        let Post { key, writes, fences } = &*self.0;
        fences.lock().get(key).is_some_and(|fenced| fenced.writes == *writes)
    }
}

impl Fences {
    /// A fence of a key. A cache takes it after it has read the key, and before it asks an origin.
    pub fn fence(self: &Arc<Self>, key: &str) -> Fence {
        let mut keys = self.lock();
        // The caller asks the origin after this, so a write that sees no fence is no newer than the
        // origin's answer.
        self.posts.fetch_add(1, Ordering::SeqCst);
        let fenced = keys.entry(Box::from(key)).or_default();
        fenced.posts += 1;
        Fence(Arc::new(Post { key: Box::from(key), writes: fenced.writes, fences: Arc::clone(self) }))
    }

    /// Voids the fences of a key. A store must call this under the lock or in the transaction of
    /// the write.
    pub fn void(&self, key: &str) {
        if self.posts.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(fenced) = self.lock().get_mut(key) {
            fenced.writes += 1;
        }
    }

    // Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Fenced>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let mut keys = self.fences.lock();
        if let Some(fenced) = keys.get_mut(&self.key) {
            fenced.posts -= 1;
            if fenced.posts == 0 {
                keys.remove(&self.key);
            }
        }
        self.fences.posts.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_voids_the_fences_of_its_key_alone_and_nothing_is_left() {
        let fences = Arc::<Fences>::default();
        let (first, other) = (fences.fence("user:1"), fences.fence("user:2"));
        assert!(first.holds() && other.holds());
        fences.void("user:1");
        let second = fences.fence("user:1");
        assert!(!first.holds() && second.holds() && other.holds());
        drop((first, second, other.clone()));
        assert!(other.holds());
        drop(other);
        fences.void("user:2");
        assert!(fences.lock().is_empty() && fences.posts.load(Ordering::SeqCst) == 0);
    }
}
