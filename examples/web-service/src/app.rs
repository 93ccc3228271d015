//! The state that all requests share.

use std::time::Duration;

use kv_runtime::Kv;
use kv_runtime::cache::{Cache, Cached};
use kv_runtime::store::AnyStore;

use crate::model::Flag;

pub const MINUTE: Duration = Duration::from_secs(60);

/// Cheap to clone: every request has one.
#[derive(Clone)]
pub struct App {
    pub kv: Kv<AnyStore>,
    /// Flags are read by nearly every request, so a copy of them is in memory.
    pub flags: Cached<Flag, AnyStore>,
}

impl App {
    pub fn new(kv: Kv<AnyStore>) -> Self {
        // If the store is down, a flag that was known stays as it was for ten minutes.
        let cache = Cache::new().memory_ttl(MINUTE / 2).stale_for(10 * MINUTE);
        Self { flags: kv.collection().cached(cache), kv }
    }
}
