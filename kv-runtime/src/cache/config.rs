//! How a cache behaves: what is set before it is put in front of a collection.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::fill::{IfUnchanged, Never, PureCache};
use crate::kv::Spawn;
use crate::maybe_send::{MaybeSend, MaybeSync};

/// How a cache behaves, for [`Collection::cached`](crate::Collection::cached). Each method gives
/// the same cache with one thing changed.
///
/// `F` is how it fills the store with what an origin gave: on the condition that the store is as
/// the miss saw it, unless [`pure_cache`](Self::pure_cache) or
/// [`without_filling`](Self::without_filling) says otherwise.
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

/// Tells what an entity weighs.
pub(super) type Weigh<E> = Arc<dyn Weigher<E>>;

pub(super) trait Weigher<E>: MaybeSend + MaybeSync {
    fn weigh(&self, entity: &E) -> u64;
}

impl<E, F: Fn(&E) -> u64 + MaybeSend + MaybeSync> Weigher<E> for F {
    fn weigh(&self, entity: &E) -> u64 {
        self(entity)
    }
}

/// What has no part in the types.
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
    /// 10,000 entries, fresh for a minute.
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
    /// How long what was read is served from memory, counted from the beginning of the read; one
    /// minute unless it is set. For that long the cache may not see a write by another process. A
    /// record that expires earlier leaves the memory earlier.
    #[must_use]
    pub fn memory_ttl(mut self, ttl: Duration) -> Self {
        self.settings.memory_ttl = ttl.min(LONGEST);
        self
    }

    /// How long what an origin gave stays in the store; as long as the entity's own TTL says unless
    /// it is set. An entity that expires earlier stays so long only.
    #[must_use]
    pub fn store_ttl(mut self, ttl: Duration) -> Self {
        self.settings.store_ttl = Some(ttl.min(LONGEST));
        self
    }

    /// How long it is remembered that there is no such entity, from when the store was asked. 10
    /// seconds unless it is set. Zero remembers nothing.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.settings.negative_ttl = ttl.min(LONGEST);
        self
    }

    /// How many absences and failures are remembered, as a share of
    /// [`max_entries`](Self::max_entries) and beside them; 0.1 unless it is set. However many
    /// absent ids are asked for, they drive no entity out of the memory.
    #[must_use]
    pub fn negative_share(mut self, share: f64) -> Self {
        self.settings.negative_share = part(share);
        self
    }

    /// By which share of itself a TTL is shortened at most, at random; 0.1 unless it is set.
    /// Entries that came together then do not go together.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.settings.jitter = part(share);
        self
    }

    /// How many entities are held, about; 10,000 unless it is set. What is rarely asked for goes
    /// first.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.settings.max_entries = entries;
        self
    }

    /// Holds entities up to this weight in sum, say their bytes, instead of a number of them.
    /// `weigh` is called once for each fill, and what it says is rounded up by a sixteenth at most.
    /// If it panics, the entity weighs 1, and
    /// [`CacheStats::weigh_panics`](super::CacheStats::weigh_panics) counts it. The memory is in
    /// shards, four for each processor: what weighs more than one of them takes is not held.
    /// [`max_entries`](Self::max_entries) then is the number that is expected.
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

    /// How long after its TTL an entity may still be served if what is behind the memory fails, or
    /// is slower than [`soft_timeout`](Self::soft_timeout); not at all unless it is set. It is
    /// marked: [`Whence::Stale`](crate::Whence::Stale). Never beyond the expiry of the record.
    #[must_use]
    pub fn stale_for(mut self, limit: Duration) -> Self {
        self.settings.stale_for = limit;
        self
    }

    /// How long after a failure the origin is not asked for that id again; **one second** unless it
    /// is set. Until then callers get what is stale, or the same error: their loaders are not
    /// called, even if they would succeed. So an outage costs one call for each id and pause. The
    /// store is spared likewise while there is something stale to serve. Zero asks again at once.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.settings.pause = pause;
        self
    }

    /// The deadline of a call: of store, origin and the fill of the store together, or of the wait
    /// for another caller's load. There is none unless it is set. A load that is late is
    /// [`Error::TimedOut`](crate::Error::TimedOut), or what is stale. A fill that is late is given
    /// up, and the caller gets its answer.
    ///
    /// It waits by the [`Timer`](crate::Timer) of the store's clock. Without one every load is
    /// [`Error::NoTimer`](crate::Error::NoTimer).
    #[must_use]
    pub fn hard_timeout(mut self, limit: Duration) -> Self {
        self.settings.hard_timeout = Some(limit);
        self
    }

    /// How long a caller waits if there is something stale to serve. After that it gets the stale
    /// answer, and the load goes on in the background. It needs a task, as
    /// [`spawner`](Self::spawner) says, and the [`Timer`](crate::Timer) of the store's clock.
    /// Without a task it does nothing.
    #[must_use]
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.settings.soft_timeout = Some(limit);
        self
    }

    /// The share of its TTL after which an entity that is asked for is loaded again in the
    /// background, while it is still served; never unless it is set. It needs a task, as
    /// [`spawner`](Self::spawner) says. Without one it does nothing.
    #[must_use]
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.settings.refresh_at = Some(part(share));
        self
    }

    /// What runs the tasks of loads. Without one the tokio runtime runs them on which a call is
    /// made, if there is one; on wasm32 nothing does.
    ///
    /// A task drives a load whose first step did not end it. So the load goes on when its callers
    /// are dropped, and [`refresh_ahead`](Self::refresh_ahead) and
    /// [`soft_timeout`](Self::soft_timeout) work. Callers that wait for a load drive it as well: if
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

    /// For a store that holds nothing but copies of the origin: what the origin gave overwrites the
    /// record in the store without a look at it. It is the way to fill a store without
    /// compare-and-swap; there it may undo what somebody wrote, or bring back what somebody
    /// deleted, until the store's TTL has passed.
    #[must_use]
    pub fn pure_cache(self) -> Cache<E, PureCache> {
        self.filling()
    }

    /// What the origin gave is kept in memory alone, and never written into the store.
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

/// As good as for ever, and far from what a multiplication could overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// A share between nothing and all; what is no number is nothing.
fn part(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// A load that nobody waits for: a boxed future, which is `Send` but on wasm32.
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
