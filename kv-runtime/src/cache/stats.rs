//! What a cache has done, as numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counters of a cache since it was made, and what it holds.
/// [`Cached::stats`](super::Cached::stats) returns them.
///
/// Each event that is counted is also a `tracing` event, with `entity` and `event`: at trace level
/// for hits of the memory, otherwise at debug level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Answers from memory.
    pub memory_hits: u64,
    /// Answers from memory that there is no such entity.
    pub negative_hits: u64,
    /// Loads that found the entity in the store.
    pub store_hits: u64,
    /// Loads that did not find it in the store.
    pub store_misses: u64,
    /// Ids that the origin was asked for.
    pub origin_loads: u64,
    /// Calls that waited for another caller's load.
    pub shared_waits: u64,
    /// Answers that were older than their TTL.
    pub stale_served: u64,
    /// Fallbacks that were served by `get_or`.
    pub fallbacks_served: u64,
    /// Reads of the store that failed.
    pub store_errors: u64,
    /// Calls of the origin that failed, including timeouts.
    pub origin_errors: u64,
    /// Calls that were answered without a load, because a load had failed shortly before.
    pub paused: u64,
    /// Loads in the background.
    pub refreshes: u64,
    /// Loads whose result was not kept, because a write intervened.
    pub detached: u64,
    /// Fills of the store.
    pub store_fills: u64,
    /// Fills that were refused, because the store had changed.
    pub store_fills_lost: u64,
    /// Fills that failed.
    pub store_fills_failed: u64,
    /// Entities that count with a weight of 1, because the application's `weigh` panicked.
    pub weigh_panics: u64,
    /// Entities that were evicted for lack of room.
    pub evictions: u64,
    /// Entities in memory, including stale and expired ones.
    pub entries: usize,
    /// The sum of their weights, or their number if there is no weight.
    pub weight: u64,
    /// Absences and failures in memory.
    pub negatives: usize,
}

/// What is counted, except hits. Each count is also a `tracing` event with this name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    NegativeHit,
    StoreHit,
    StoreMiss,
    OriginLoad,
    SharedWait,
    Stale,
    Fallback,
    StoreError,
    OriginError,
    Paused,
    Refresh,
    Detached,
    Filled,
    FillLost,
    FillFailed,
    WeighPanic,
}

const COUNTS: usize = Count::WeighPanic as usize + 1;

/// How many threads have their own stripe for counting hits. Such a thread shares no cache line
/// with others, and adds without a bus lock. All other threads share one more stripe.
const OWN_STRIPES: usize = 32;

pub(super) struct Counters {
    entity: &'static str,
    hits: [Stripe; OWN_STRIPES],
    shared_hits: Stripe,
    counts: [AtomicU64; COUNTS],
}

#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

thread_local! {
    static OWN: Own = Own::take();
}

/// The stripes that belong to no thread.
static FREE: Mutex<Free> = Mutex::new(Free { next: 0, given_back: Vec::new() });

struct Free {
    next: usize,
    given_back: Vec<usize>,
}

/// The number of a stripe that belongs to one thread, in every cache, until the thread ends. `None`
/// if all are taken.
struct Own(Option<usize>);

impl Own {
    fn take() -> Self {
        let mut free = free();
        if let Some(stripe) = free.given_back.pop() {
            return Self(Some(stripe));
        }
        let stripe = free.next;
        free.next = OWN_STRIPES.min(stripe + 1);
        Self(Some(stripe).filter(|stripe| *stripe < OWN_STRIPES))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        free().given_back.extend(self.0);
    }
}

// Nothing panics while it is locked.
fn free() -> MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counters {
    pub(super) fn of(entity: &'static str) -> Self {
        let shared_hits = Stripe::default();
        Self { entity, hits: Default::default(), shared_hits, counts: Default::default() }
    }

    #[inline]
    pub(super) fn hit(&self) {
        tracing::trace!(entity = self.entity, event = "MemoryHit", "cache");
        // A thread that ends has none any more.
        let own = OWN.try_with(|own| own.0).ok().flatten();
        match own.and_then(|own| self.hits.get(own)) {
            // No other thread writes to it.
            Some(Stripe(hits)) => hits.store(hits.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            None => {
                self.shared_hits.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn count(&self, count: Count) {
        tracing::debug!(entity = self.entity, event = ?count, "cache");
        self.counts[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns all counters.
    pub(super) fn read(&self) -> CacheStats {
        let count = |count: Count| self.counts[count as usize].load(Ordering::Relaxed);
        let hits = self.hits.iter().chain([&self.shared_hits]);
        CacheStats {
            memory_hits: hits.map(|stripe| stripe.0.load(Ordering::Relaxed)).sum(),
            negative_hits: count(Count::NegativeHit),
            store_hits: count(Count::StoreHit),
            store_misses: count(Count::StoreMiss),
            origin_loads: count(Count::OriginLoad),
            shared_waits: count(Count::SharedWait),
            stale_served: count(Count::Stale),
            fallbacks_served: count(Count::Fallback),
            store_errors: count(Count::StoreError),
            origin_errors: count(Count::OriginError),
            paused: count(Count::Paused),
            refreshes: count(Count::Refresh),
            detached: count(Count::Detached),
            store_fills: count(Count::Filled),
            store_fills_lost: count(Count::FillLost),
            store_fills_failed: count(Count::FillFailed),
            weigh_panics: count(Count::WeighPanic),
            ..CacheStats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn each_thread_has_its_own_stripe_and_no_hit_is_lost() {
        const THREADS: usize = 3 * OWN_STRIPES;
        let (counters, barrier) = (Counters::of("test"), Barrier::new(THREADS));
        let taken: Vec<Option<usize>> = std::thread::scope(|scope| {
            let hit = || {
                let own = OWN.with(|own| own.0);
                barrier.wait();
                (0..1_000).for_each(|_| counters.hit());
                own
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(hit)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let own: Vec<usize> = taken.iter().copied().flatten().collect();
        assert!(own.len() <= OWN_STRIPES && taken.len() == THREADS);
        assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
        assert_eq!(counters.read().memory_hits, 1_000 * THREADS as u64);
    }
}
