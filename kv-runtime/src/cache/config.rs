//! How a cache behaves: what is set before it is put in front of a collection.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use kv_store::{MaybeSend, MaybeSync};

use super::fill::{IfUnchanged, Never, PureCache};
use crate::kv::Spawn;

/// The settings of a cache, for [`Collection::cached`](crate::Collection::cached). Each method
/// returns the same settings with one change.
///
/// `F` is how the cache fills the store from an origin. By default it fills the store only if the
/// store still holds what the miss saw. [`pure_cache`](Self::pure_cache) and
/// [`without_filling`](Self::without_filling) change that.
///
/// ```
/// # use kv_runtime::{Kv, KvEntity, cache::Cache, store::MemoryStore};
/// # use std::time::Duration;
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "user")]
/// # struct User { #[kv(id)] id: u64, name: String }
/// let users = Kv::new(MemoryStore::new()).collection::<User>().cached(
///     Cache::new()
///         .memory_ttl(Duration::from_secs(60))
///         .store_ttl(Duration::from_secs(300))
///         .max_entries(100_000)
///         .stale_for(Duration::from_secs(600)),
/// );
/// ```
pub struct Cache<E, F = IfUnchanged> {
    pub(super) settings: Settings,
    pub(super) weigh: Option<Weigh<E>>,
    pub(super) spawn: Option<Arc<dyn Spawn>>,
    fill: PhantomData<fn() -> F>,
}

/// Returns the weight of an entity.
pub(super) type Weigh<E> = Arc<dyn Weigher<E>>;

pub(super) trait Weigher<E>: MaybeSend + MaybeSync {
    fn weigh(&self, entity: &E) -> u64;
}

impl<E, F: Fn(&E) -> u64 + MaybeSend + MaybeSync> Weigher<E> for F {
    fn weigh(&self, entity: &E) -> u64 {
        self(entity)
    }
}

/// The settings that are not part of the type.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) memory_ttl: Duration,
    pub(super) store_ttl: Option<Duration>,
    pub(super) negative_ttl: Duration,
    pub(super) negative_share: f64,
    pub(super) jitter: f64,
    pub(super) max_entries: usize,
    pub(super) max_weight: Option<u64>,
    pub(super) refresh_at: Option<f64>,
    pub(super) stale_for: Duration,
    pub(super) pause: Duration,
    /// Of a test, which behaves as in a Worker.
    pub(super) callers_wait: bool,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) hard_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_ttl: Duration::from_secs(60),
            store_ttl: None,
            negative_ttl: Duration::from_secs(10),
            negative_share: 0.1,
            jitter: 0.1,
            max_entries: 10_000,
            max_weight: None,
            refresh_at: None,
            stale_for: Duration::ZERO,
            pause: Duration::from_secs(1),
            callers_wait: true,
            soft_timeout: None,
            hard_timeout: None,
        }
    }
}

impl Settings {
    /// Whether a call may wait for what another one does. In a Worker none may: its runtime refuses
    /// to let a request go on within another one, and it does not poll a request whose client has
    /// gone, whatever that request holds. There each call loads for itself.
    pub(super) const fn callers_wait(&self) -> bool {
        cfg!(not(target_arch = "wasm32")) && self.callers_wait
    }
}

impl<E> Cache<E> {
    /// Returns the default settings: 10,000 entries, and a TTL of one minute in memory.
    #[must_use]
    pub fn new() -> Self {
        Self { settings: Settings::default(), weigh: None, spawn: None, fill: PhantomData }
    }
}

impl<E> Default for Cache<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, F> Cache<E, F> {
    /// Sets how long an entity is served from memory, counted from the beginning of the read. The
    /// default is one minute. For that long the cache may not see a write by another process. A
    /// record that expires earlier leaves the memory earlier.
    #[must_use]
    pub fn memory_ttl(mut self, ttl: Duration) -> Self {
        self.settings.memory_ttl = ttl.min(LONGEST);
        self
    }

    /// Sets how long an entity from the origin stays in the store. The default is the entity's own
    /// TTL. An entity that expires earlier stays only that long.
    #[must_use]
    pub fn store_ttl(mut self, ttl: Duration) -> Self {
        self.settings.store_ttl = Some(ttl.min(LONGEST));
        self
    }

    /// Sets how long the cache remembers that there is no such entity, counted from when the store
    /// was asked. The default is 10 seconds. Zero turns negative caching off.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.settings.negative_ttl = ttl.min(LONGEST);
        self
    }

    /// Sets how many absences and failures are remembered, as a share of
    /// [`max_entries`](Self::max_entries). The default is 0.1. They are counted apart from
    /// entities, so a flood of absent ids evicts no entity.
    #[must_use]
    pub fn negative_share(mut self, share: f64) -> Self {
        self.settings.negative_share = part(share);
        self
    }

    /// Sets by which share a TTL is shortened at most, at random. The default is 0.1. So entries
    /// that were loaded together do not expire together.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.settings.jitter = part(share);
        self
    }

    /// Sets about how many entities are held. The default is 10,000. Rarely used ones are evicted
    /// first.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.settings.max_entries = entries;
        self
    }

    /// Limits the sum of the entities' weights, such as their bytes, instead of their number.
    /// `weigh` is called once for each fill. Weights are rounded up by a sixteenth at most. If
    /// `weigh` panics, the entity weighs 1, and
    /// [`CacheStats::weigh_panics`](super::CacheStats::weigh_panics) counts it.
    ///
    /// The memory has four shards for each processor. An entity that weighs more than a shard can
    /// hold is not held. [`max_entries`](Self::max_entries) is then the expected number of
    /// entities.
    #[must_use]
    pub fn max_weight(
        mut self,
        weight: u64,
        weigh: impl Fn(&E) -> u64 + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        self.settings.max_weight = Some(weight);
        self.weigh = Some(Arc::new(weigh));
        self
    }

    /// Sets how long after its TTL an entity may still be served if the store or the origin fails,
    /// or is slower than [`soft_timeout`](Self::soft_timeout). The default is zero. Such an answer
    /// is marked as [`Stale`](crate::Source::Stale). No entity is served after its record has
    /// expired, unless its TTL was that of a cache ([`store_ttl`](Self::store_ttl)).
    #[must_use]
    pub fn stale_for(mut self, limit: Duration) -> Self {
        self.settings.stale_for = limit;
        self
    }

    /// Sets how long after a failure the origin is not asked again for that id. The default is
    /// **one second**. Until then callers get a stale entity, or the same error. Their loaders are
    /// not called, even if they would succeed. So an outage costs one call for each id and pause.
    /// The store is spared in the same way while there is a stale entity to serve. Zero asks again
    /// at once.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.settings.pause = pause;
        self
    }

    /// Sets the deadline of a call: of store, origin and the fill of the store together, or of the
    /// wait for another caller's load. There is none by default. A load that is late is
    /// [`Error::TimedOut`](crate::Error::TimedOut), or a stale entity. A fill that is late is
    /// abandoned, and the caller gets its answer.
    ///
    /// It waits by the [`Timer`](crate::Timer) of the store's clock. Without a timer every load is
    /// [`Error::NoTimer`](crate::Error::NoTimer).
    #[must_use]
    pub fn hard_timeout(mut self, limit: Duration) -> Self {
        self.settings.hard_timeout = Some(limit);
        self
    }

    /// Sets how long a caller waits if there is a stale entity to serve. After that it gets the
    /// stale entity, and the load goes on in the background. This needs a task, as
    /// [`spawner`](Self::spawner) says, and the [`Timer`](crate::Timer) of the store's clock.
    /// Without a task it has no effect.
    #[must_use]
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.settings.soft_timeout = Some(limit);
        self
    }

    /// Sets the share of the TTL after which an entity that is asked for is loaded again in the
    /// background, while it is still served. The default is never. This needs a task, as
    /// [`spawner`](Self::spawner) says. Without a task it has no effect.
    #[must_use]
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.settings.refresh_at = Some(part(share));
        self
    }

    /// Sets what runs the tasks of loads. By default that is the tokio runtime on which a call is
    /// made, if there is one. On wasm32 there is none.
    ///
    /// A task drives a load whose first step did not complete it. So the load goes on if its
    /// callers are dropped, and [`refresh_ahead`](Self::refresh_ahead) and
    /// [`soft_timeout`](Self::soft_timeout) work. Callers that wait for a load drive it as well. If
    /// `spawn` never runs the task, drops it or panics, no call waits longer.
    ///
    /// ```
    /// # use kv_runtime::cache::Cache;
    /// # fn f<E>() -> Cache<E> {
    /// Cache::new().refresh_ahead(0.8).spawner(|task| {
    ///     tokio::spawn(task);
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn spawner(mut self, spawn: impl Fn(BackgroundFuture) + MaybeSend + MaybeSync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// Fills the store without reading it first. Use this if the store holds only copies of the
    /// origin.
    ///
    /// It is the way to fill a store without compare-and-swap. There it may undo another writer's
    /// write, or bring back a deleted record, until the store's TTL has passed.
    #[must_use]
    pub fn pure_cache(self) -> Cache<E, PureCache> {
        self.filling()
    }

    /// Keeps entities from the origin only in memory, and never writes them into the store.
    #[must_use]
    pub fn without_filling(self) -> Cache<E, Never> {
        self.filling()
    }

    /// Lets no call wait for another one's load, as on wasm32. Tests of that run on every machine.
    #[doc(hidden)]
    #[must_use]
    pub fn without_shared_loads(mut self) -> Self {
        self.settings.callers_wait = false;
        self
    }

    fn filling<G>(self) -> Cache<E, G> {
        Cache { settings: self.settings, weigh: self.weigh, spawn: self.spawn, fill: PhantomData }
    }
}

/// Longer than any program runs, and small enough that multiplying it cannot overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// A share between nothing and all; what is no number is nothing.
fn part(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// A load that nobody waits for: a boxed future, which is `Send` except on wasm32.
pub type BackgroundFuture = crate::kv::WriteBackFuture;

impl<E, F> Clone for Cache<E, F> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            weigh: self.weigh.clone(),
            spawn: self.spawn.clone(),
            fill: PhantomData,
        }
    }
}

impl<E, F> fmt::Debug for Cache<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("settings", &self.settings).finish_non_exhaustive()
    }
}
