//! How often this thread asks the allocator for memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::support::Result;

/// The system's allocator, counting.
pub struct Counting;

thread_local! {
    // Constant and without a destructor: to reach it allocates nothing.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the count beside it touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(memory, layout, new_size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn count() {
    COUNT.set(COUNT.get() + 1);
}

/// How many allocations and reallocations a call makes on this thread.
pub fn of<T>(call: impl FnOnce() -> Result<T>) -> Result<f64> {
    let before = COUNT.get();
    call()?;
    Ok((COUNT.get() - before) as f64)
}
