//! What tells a key that was never written from one that was written and deleted meanwhile.
//!
//! A condition on a record names its revision. An absent record has none: absent, put, deleted and absent again look the same. A fence is
//! made before a key is read; any write of the key voids it; and a condition that bears it holds only while it is not void.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Says whether a key was written since: [`Store::fence`](super::Store::fence).
///
/// Only the stores that live in one process make any. It is part of a [`Condition`](super::Condition).
#[derive(Clone, Debug)]
pub struct Fence(Arc<Post>);

#[derive(Debug)]
struct Post {
    key: Box<str>,
    /// The number of writes of the key that the fence has seen when it was made.
    writes: u64,
    fences: Arc<Fences>,
}

/// The fences of a store.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    /// How many there are, so that a write without any costs next to nothing.
    posts: AtomicUsize,
    keys: Mutex<HashMap<Box<str>, Fenced>>,
}

#[derive(Debug, Default)]
struct Fenced {
    posts: usize,
    writes: u64,
}

impl Fence {
    /// Whether the key was not written since the fence was made. A store MUST ask while it makes the commit, so that no other
    /// write comes between.
    pub(crate) fn holds(&self) -> bool {
        let Post { key, writes, fences } = &*self.0;
        fences.lock().get(key).is_some_and(|fenced| fenced.writes == *writes)
    }
}

impl Fences {
    pub(crate) fn fence(self: &Arc<Self>, key: &str) -> Fence {
        let mut keys = self.lock();
        // Before the key is read: a write that sees none here is over before that.
        self.posts.fetch_add(1, Ordering::SeqCst);
        let fenced = keys.entry(Box::from(key)).or_default();
        fenced.posts += 1;
        Fence(Arc::new(Post { key: Box::from(key), writes: fenced.writes, fences: Arc::clone(self) }))
    }

    /// A key is written. The store MUST tell so while it makes the write.
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
