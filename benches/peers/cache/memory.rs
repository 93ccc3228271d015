//! What a cache takes for each entry beyond the entity itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use kv_runtime::Kv;
use kv_runtime::cache::{Cache, Cached};
use kv_runtime::store::MemoryStore;

use crate::sides::{CAPACITY, ENTRIES, User, moka, runtime, user};
use crate::support::{Result, Sides};

/// The system's allocator, counting.
pub struct Counting;

thread_local! {
    // Constant and without a destructor: to reach it allocates nothing.
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the count beside it touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn count(bytes: i64) {
    BYTES.set(BYTES.get() + bytes);
}

/// What this thread has been given less what it has given back.
fn bytes() -> i64 {
    BYTES.get()
}

pub fn beside_quick_cache() -> Result<Sides> {
    let theirs = of(|users| {
        let quick = quick_cache::sync::Cache::new(CAPACITY / 2);
        users.iter().for_each(|user| quick.insert(user.id, Arc::clone(user)));
        Ok(quick)
    })?;
    Ok(Sides { ours: of_ours()?, theirs })
}

pub fn beside_moka() -> Result<Sides> {
    let theirs = of(|users| {
        let moka = moka::<User>(CAPACITY / 2);
        users.iter().for_each(|user| moka.insert(user.id, Arc::clone(user)));
        moka.run_pending_tasks();
        Ok(moka)
    })?;
    Ok(Sides { ours: of_ours()?, theirs })
}

fn of_ours() -> Result<f64> {
    let runtime = runtime()?;
    of(|users| {
        let cached = ours_alone(CAPACITY / 2);
        for user in users {
            let given = Arc::clone(user);
            let load = move || std::future::ready(Ok::<_, std::io::Error>(given));
            runtime.block_on(cached.get_or_load(user.id, load))?;
        }
        Ok(cached)
    })
}

/// A cache that never writes into its store.
fn ours_alone(capacity: usize) -> Cached<User, MemoryStore> {
    Kv::new(MemoryStore::new()).collection().cached(Cache::new().max_entries(capacity).without_filling())
}

/// Bytes for each entry of a full cache, its entities being there before.
fn of<C>(fill: impl FnOnce(&[Arc<User>]) -> Result<C>) -> Result<f64> {
    let users: Vec<Arc<User>> = (0..ENTRIES).map(user).collect();
    let before = bytes();
    let cache = fill(&users)?;
    let taken = bytes() - before;
    drop(cache);
    Ok(taken as f64 / ENTRIES as f64)
}
