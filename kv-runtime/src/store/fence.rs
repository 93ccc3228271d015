//! Fences, which tell a key that stayed absent from one that was written and deleted meanwhile.
//!
//! A condition on a record names its revision. An absent record has none, so "absent, put, deleted,
//! absent" looks unchanged. A caller takes a fence before it reads a key. Every write of the key
//! voids the fence. A condition with a void fence fails.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells whether a key was written since it was made: [`Store::fence`](super::Store::fence). Only
/// stores that one process has for itself make fences.
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
pub(crate) struct Fences {
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
    pub(crate) fn holds(&self) -> bool {
        let Post { key, writes, fences } = &*self.0;
        fences.lock().get(key).is_some_and(|fenced| fenced.writes == *writes)
    }
}

impl Fences {
    pub(crate) fn fence(self: &Arc<Self>, key: &str) -> Fence {
        let mut keys = self.lock();
        // The caller reads the key after this, so a write that sees no fence is over by then.
        self.posts.fetch_add(1, Ordering::SeqCst);
        let fenced = keys.entry(Box::from(key)).or_default();
        fenced.posts += 1;
        Fence(Arc::new(Post { key: Box::from(key), writes: fenced.writes, fences: Arc::clone(self) }))
    }

    /// Voids the fences of a key. A store must call this under the lock or in the transaction of
    /// the write.
    pub(crate) fn void(&self, key: &str) {
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
