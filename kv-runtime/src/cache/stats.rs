//! What a cache has done, as numbers.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a cache has done since it was made, and what it holds: [`Cached::stats`](super::Cached::stats).
///
/// Each thing that is counted is a `tracing` event as well, with `entity` and `event`: at debug level, hits of the memory at trace level.
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
    /// Calls that waited for another's load.
    pub shared_waits: u64,
    /// Answers that were older than their TTL.
    pub stale_served: u64,
    /// Fallbacks that were served by `get_or`.
    pub fallbacks_served: u64,
    /// Reads of the store that failed.
    pub store_errors: u64,
    /// Calls of the origin that failed, timeouts too.
    pub origin_errors: u64,
    /// Calls that were answered without asking, since the load had failed a short while ago.
    pub paused: u64,
    /// Loads in the background.
    pub refreshes: u64,
    /// Loads whose result was kept nowhere, since a write came between.
    pub detached: u64,
    /// Fills of the store.
    pub store_fills: u64,
    /// Fills that were left, since the store had changed.
    pub store_fills_lost: u64,
    /// Fills that failed.
    pub store_fills_failed: u64,
    /// Entities that count with a weight of 1, since the application's `weigh` panicked.
    pub weigh_panics: u64,
    /// Entities that left the memory for lack of room.
    pub evictions: u64,
    /// Entities in memory, stale and dead ones too.
    pub entries: usize,
    /// What they weigh; their number, unless there is a weight.
    pub weight: u64,
    /// Absences and failures in memory.
    pub negatives: usize,
}

/// What is counted, but for hits. Each is an event of `tracing`, too, by its name here.
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

/// Hits are counted in stripes, one for each thread as far as they reach, so that threads do not pass a cache line to and fro.
const STRIPES: usize = 32;

pub(super) struct Counters {
    entity: &'static str,
    hits: [Stripe; STRIPES],
    counts: [AtomicU64; COUNTS],
}

#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

thread_local! {
    /// This thread's stripe; none before its first hit.
    static STRIPE: Cell<usize> = const { Cell::new(usize::MAX) };
}

static NEXT_STRIPE: AtomicUsize = AtomicUsize::new(0);

impl Counters {
    pub(super) fn of(entity: &'static str) -> Self {
        Self { entity, hits: Default::default(), counts: Default::default() }
    }

    #[inline]
    pub(super) fn hit(&self) {
        tracing::trace!(entity = self.entity, event = "MemoryHit", "cache");
        // A thread that ends has no stripe.
        let stripe = STRIPE.try_with(stripe_of).unwrap_or(0);
        self.hits[stripe % STRIPES].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self, count: Count) {
        tracing::debug!(entity = self.entity, event = ?count, "cache");
        self.counts[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All that is counted here.
    pub(super) fn read(&self) -> CacheStats {
        let count = |count: Count| self.counts[count as usize].load(Ordering::Relaxed);
        CacheStats {
            memory_hits: self.hits.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum(),
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

#[inline]
fn stripe_of(stripe: &Cell<usize>) -> usize {
    if stripe.get() == usize::MAX {
        stripe.set(NEXT_STRIPE.fetch_add(1, Ordering::Relaxed) % STRIPES);
    }
    stripe.get()
}
