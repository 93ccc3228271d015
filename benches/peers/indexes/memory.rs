//! How many bytes are allocated, while somebody asks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

/// The system's allocator. It counts only during `held_by`: the other cases measure time.
pub struct Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; the count beside it touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(new_size, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(memory, layout, new_size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        add(0, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn add(new: usize, old: usize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        BYTES.fetch_add(new as isize - old as isize, Ordering::Relaxed);
    }
}

/// How many bytes more are allocated when `make` has made something, which it returns.
pub fn held_by<T>(make: impl FnOnce() -> T) -> (f64, T) {
    BYTES.store(0, Ordering::Relaxed);
    IS_COUNTING.store(true, Ordering::Relaxed);
    let made = make();
    IS_COUNTING.store(false, Ordering::Relaxed);
    (BYTES.load(Ordering::Relaxed) as f64, made)
}
