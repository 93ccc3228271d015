//! A cache in front of a collection: memory, then the store, then an origin (feature `cache`).
//!
//! [`Collection::cached`] makes one. It holds decoded entities, an `Arc` by typed id: a hit builds
//! no key, decodes nothing and allocates nothing.
//!
//! - **One load for many callers.** Callers that miss the same id share one load and its outcome,
//!   also if it is an error. All of them drive it, so a caller that is not polled or is dropped
//!   blocks nobody. With a [spawner](Cache::spawner), or on a tokio runtime, a task drives it as
//!   well. A loader that asks for its own id gets an error. On wasm32 each caller loads for itself,
//!   because a Worker lets no request wait for another one.
//! - **A cache never makes a write fail.** A write goes to the store first, then to memory. If its
//!   outcome is unknown, or its future is dropped, the cache forgets the id, and holds nothing of
//!   it that is read before the store [has settled](crate::store::StoreInfo::has_settled).
//! - **Races.** A load that meets a write fills neither memory nor store. The cache fills the store
//!   only if it still is as the miss saw it. `update` never reads memory.
//! - **Other writers.** A cache sees the writes through it and its clones, and hears all others of
//!   this process on the same handle of the engine (not on wasm32): those of collections, views,
//!   [transactions](crate::Kv::transact), other caches, sessions and backfills, of each `Kv` and
//!   namespace. It does not see those of other processes, or of a [`Store`]'s own methods. What it
//!   serves is at most [`memory_ttl`](Cache::memory_ttl) old, plus [`stale_for`](Cache::stale_for)
//!   where that is set. [`Cached::invalidate`] forgets an id at once.
//! - **Expiry is a contract.** Neither memory nor staleness outlives a record's own expiry, as far
//!   as the store tells it.
//! - **No runtime is needed**, except for what runs in the background and for timeouts.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use kv_runtime::{Kv, KvEntity, cache::Cache, store::MemoryStore};
//!
//! #[derive(KvEntity, Debug)]
//! #[kv(prefix = "user")]
//! struct User {
//!     #[kv(id)]
//!     id: u64,
//!     name: String,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let kv = Kv::new(MemoryStore::new());
//! let users = kv.collection::<User>().cached(Cache::new().memory_ttl(Duration::from_secs(60)));
//!
//! // The store has none, so the origin is asked, and both tiers are filled on the way back.
//! let fetch = || async { Ok::<_, std::io::Error>(User { id: 7, name: "Ada".to_owned() }) };
//! let user: Arc<User> = users.get_or_load(7, fetch).await?;
//! assert_eq!(user.name, "Ada");
//!
//! assert_eq!(users.get(7).await?.map(|user| user.name.clone()).as_deref(), Some("Ada"));
//! assert_eq!((users.stats().origin_loads, users.stats().memory_hits), (1, 1));
//! # Ok::<(), kv_runtime::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The calls, in the order in which rustdoc shows them: it follows the order of modules.
mod read;

mod many;

mod load;

mod write;

mod last_write;

mod answer;
mod by_unique;
mod config;
mod day;
mod drive;
mod entry;
mod fill;
mod fill_store;
mod flight;
mod in_flight;
mod lead;
#[cfg(not(target_arch = "wasm32"))]
mod listener;
mod memory;
mod origin;
mod pipeline;
mod runtime;
mod shared;
mod spawn;
mod stats;
mod table;
mod tier;
mod wait;
#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "there a cache hears nothing of others"))]
mod writing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Lookup;
use kv_store::store::Store;
use kv_store::{MaybeSend, MaybeSync};

use crate::collection::{Collection, IdRef};
use crate::entity::KvEntity;

pub use by_unique::{CachedBy, CachedIndex};
pub use config::{BackgroundFuture, Cache};
pub use fill::{FillStore, Filler, IfUnchanged, Never, PureCache};
pub use origin::{FromOrigin, Loaded};
pub use shared::IntoShared;
pub use stats::CacheStats;

use spawn::Spawner;
use tier::Tier;

/// A collection with a cache in front of it. Cheap to clone; clones share the memory.
///
/// It has the calls that go through the cache. All other calls are on the
/// [`collection`](Self::collection).
pub struct Cached<E: KvEntity, S> {
    tier: Arc<Tier<E>>,
    behind: Arc<Behind<E, S>>,
}

/// What is behind the memory: the collection, and how to fill it.
struct Behind<E, S> {
    /// What the application gets, whose writes the memory hears as those of others.
    collection: Collection<E, S>,
    /// What the cache itself works with.
    own: Collection<E, S>,
    filler: Filler<E, S>,
    spawner: Spawner,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Puts a cache in front of the collection: entities in memory, and an origin behind the store.
    ///
    /// Make one for each entity and keep it. Clones share the memory. [The
    /// guide](crate::guide::caching) says what a cache promises.
    ///
    /// On a store without compare-and-swap the cache must say how it fills the store:
    /// [`Cache::pure_cache`](crate::cache::Cache::pure_cache) or
    /// [`Cache::without_filling`](crate::cache::Cache::without_filling).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, cache::Cache, store::MemoryStore};
    /// # #[derive(KvEntity, Debug)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>().cached(Cache::new());
    /// users.put(User { id: 7, name: "Ada".to_owned() }).await?;
    /// assert!(users.get(7).await?.is_some()); // from memory
    /// assert_eq!(users.stats().memory_hits, 1);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cached<F: FillStore<S>>(self, cache: Cache<E, F>) -> Cached<E, S> {
        let spawner = Spawner(cache.spawn.clone());
        let tier = Arc::new(Tier::new(cache, &self));
        #[cfg(not(target_arch = "wasm32"))]
        let own = self.with_origin(tier.listen());
        #[cfg(target_arch = "wasm32")]
        let own = self.clone();
        let behind = Behind { collection: self, own, filler: F::filler(), spawner };
        Cached { tier, behind: Arc::new(behind) }
    }
}

impl<E: KvEntity, S: Store> Cached<E, S> {
    /// Returns the collection behind the cache. After a write through it, memory holds nothing of
    /// its id.
    #[must_use]
    pub fn collection(&self) -> &Collection<E, S> {
        &self.behind.collection
    }

    /// Returns the same cache with another TTL for its writes; see
    /// [`Collection::with_ttl`](crate::Collection::with_ttl). It shares the memory.
    #[must_use]
    pub fn with_ttl(&self, ttl: Duration) -> Self {
        self.with_collection(|collection| collection.with_ttl(ttl))
    }

    /// Returns the same cache, whose `touch` skips a record that was extended less than `interval`
    /// ago; see [`Collection::with_touch_interval`](crate::Collection::with_touch_interval). It
    /// shares the memory.
    #[must_use]
    pub fn with_touch_interval(&self, interval: Duration) -> Self {
        self.with_collection(|collection| collection.with_touch_interval(interval))
    }

    /// The same cache, whose calls hand their background loads to `spawn` instead of what
    /// [`Cache::spawner`] gave. It shares the memory.
    ///
    /// A Worker needs it for [`refresh_ahead`](Cache::refresh_ahead) and
    /// [`soft_timeout`](Cache::soft_timeout): there a load may outlive its response only by
    /// `wait_until` of the request's own context.
    ///
    /// ```ignore
    /// let context = Rc::new(context); // of `#[event(fetch)]`
    /// let profiles = profiles.with_spawner(move |load| context.wait_until(load));
    /// ```
    #[must_use]
    pub fn with_spawner(&self, spawn: impl Fn(BackgroundFuture) + MaybeSend + MaybeSync + 'static) -> Self {
        let Behind { collection, own, filler, .. } = &*self.behind;
        let spawner = Spawner(Some(Arc::new(spawn)));
        let behind = Behind { collection: collection.clone(), own: own.clone(), filler: *filler, spawner };
        Self { tier: Arc::clone(&self.tier), behind: Arc::new(behind) }
    }

    fn with_collection(&self, with: impl Fn(&Collection<E, S>) -> Collection<E, S>) -> Self {
        let Behind { collection, own, filler, spawner } = &*self.behind;
        let (collection, own) = (with(collection), with(own));
        let behind = Behind { collection, own, filler: *filler, spawner: spawner.clone() };
        Self { tier: Arc::clone(&self.tier), behind: Arc::new(behind) }
    }

    /// The collection that the cache itself works with.
    fn own(&self) -> &Collection<E, S> {
        &self.behind.own
    }

    /// Forgets the entity with this id, and detaches a load of it that is under way. The store is
    /// not changed.
    pub fn invalidate(&self, id: IdRef<'_, E>) {
        self.tier.forget(&id.into_id());
    }

    /// Forgets all entities, and detaches all loads that are under way.
    pub fn invalidate_all(&self) {
        self.tier.forget_all();
    }

    /// Returns the counters of the cache, and what it holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let (entries, weight, negatives, evictions) = self.tier.sizes();
        CacheStats { entries, weight, negatives, evictions, ..self.tier.counters.read() }
    }
}

impl<E: KvEntity, S> Clone for Cached<E, S> {
    fn clone(&self) -> Self {
        Self { tier: Arc::clone(&self.tier), behind: Arc::clone(&self.behind) }
    }
}

impl<E: KvEntity, S: Store> fmt::Debug for Cached<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("collection", &self.behind.collection)
            .field("settings", &self.tier.settings)
            .finish_non_exhaustive()
    }
}
