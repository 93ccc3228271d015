//! The handle on a store, from which collections are taken, and how migrations and transactions
//! behave on it.

mod transactions;

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use kv_store::__private::Origin;
use kv_store::record::Revision;
use kv_store::store::{FairQueue, Store};
use kv_store::{BoxFuture, MaybeSend, MaybeSync};

use crate::cursor_key::CursorKey;
use crate::heard::Writes;
use crate::migrate::{Budget, Hook, MigrationHook, WriteBack};
use transactions::TransactionCounters;

pub(crate) use transactions::TransactionEvent;
pub use transactions::{TransactionOptions, TransactionStats};

/// A store and the typed collections in it. Cheap to clone; clones share the store.
pub struct Kv<S> {
    shared: Arc<Shared<S>>,
    pub(crate) migrations: Arc<Migrations>,
    cursor_key: Option<Arc<CursorKey>>,
    transactions: TransactionOptions,
    /// The cache whose writes go through this handle.
    origin: Option<Origin>,
}

struct Shared<S> {
    store: S,
    counters: Counters,
    transactions: TransactionCounters,
    indexes: KnownIndexes,
}

/// What is known of the types of entities that have indexes.
#[derive(Default)]
pub(crate) struct KnownIndexes {
    /// Those whose indexes were made ready if they could be.
    ready: RwLock<HashSet<TypeId>>,
    /// The bytes of the largest entity that a lookup has read.
    largest: RwLock<HashMap<TypeId, usize>>,
    /// The revisions of states by which indexes were ready. A state gets no revision twice.
    ready_at: RwLock<HashMap<(TypeId, &'static str), Revision>>,
}

impl KnownIndexes {
    pub(crate) fn is_known<E: 'static>(&self) -> bool {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).contains(&TypeId::of::<E>())
    }

    pub(crate) fn learn<E: 'static>(&self) {
        self.ready.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<E>());
    }

    /// Returns 0 if no entity of this type was read.
    pub(crate) fn largest<E: 'static>(&self) -> usize {
        let largest = self.largest.read().unwrap_or_else(PoisonError::into_inner);
        largest.get(&TypeId::of::<E>()).copied().unwrap_or_default()
    }

    /// Returns the revision of the state by which an index was ready when it was read last.
    pub(crate) fn ready_at<E: 'static>(&self, index: &'static str) -> Option<Revision> {
        let ready = self.ready_at.read().unwrap_or_else(PoisonError::into_inner);
        ready.get(&(TypeId::of::<E>(), index)).cloned()
    }

    pub(crate) fn saw_ready<E: 'static>(&self, index: &'static str, revision: Revision) {
        let mut ready = self.ready_at.write().unwrap_or_else(PoisonError::into_inner);
        ready.insert((TypeId::of::<E>(), index), revision);
    }

    pub(crate) fn saw<E: 'static>(&self, bytes: usize) {
        if bytes > self.largest::<E>() {
            let mut largest = self.largest.write().unwrap_or_else(PoisonError::into_inner);
            let largest = largest.entry(TypeId::of::<E>()).or_default();
            *largest = bytes.max(*largest);
        }
    }
}

/// How reads treat records of older versions.
#[derive(Clone)]
pub(crate) struct Migrations {
    pub(crate) policy: WriteBack,
    pub(crate) budget: Arc<Budget>,
    pub(crate) hook: Hook,
    spawn: Option<Arc<dyn Spawn + Send + Sync>>,
}

/// A write-back that runs in the background. It is `Send`, except on wasm32.
pub type WriteBackFuture = BoxFuture<'static, ()>;

/// Runs futures in the background.
pub(crate) trait Spawn: MaybeSend + MaybeSync {
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Returns whether it took the task. It is the application's code, which may panic.
    fn try_spawn(&self, task: BoxFuture<'static, ()>) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.spawn(task))).is_ok()
    }
}

impl<F: Fn(BoxFuture<'static, ()>) + MaybeSend + MaybeSync> Spawn for F {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self(task);
    }
}

impl<S: Store> Kv<S> {
    /// Returns a handle on `store`. Reads write migrated records back if this is safe:
    /// [`WriteBack::Safe`].
    #[must_use]
    pub fn new(store: S) -> Self {
        let migrations = Migrations {
            policy: WriteBack::Safe,
            budget: Arc::default(),
            hook: Hook::default(),
            spawn: None,
        };
        let shared = Shared {
            store,
            counters: Counters::default(),
            transactions: TransactionCounters::default(),
            indexes: KnownIndexes::default(),
        };
        Self {
            shared: Arc::new(shared),
            migrations: Arc::new(migrations),
            cursor_key: None,
            transactions: TransactionOptions::new(),
            origin: None,
        }
    }

    /// Sets the key that encrypts the cursors of lists over [secret
    /// ids](macro@crate::KvEntity#fields) (AES-SIV), so that their text can be passed to a client
    /// and back. Every process that takes these cursors needs the same 32 random bytes, also after
    /// a restart.
    ///
    /// Without a key, the text of such a cursor does not continue a list. The
    /// [`Cursor`](crate::Cursor) itself does.
    #[cfg(feature = "sealed-cursors")]
    #[must_use]
    pub fn with_cursor_key(mut self, key: [u8; 32]) -> Self {
        self.cursor_key = Some(Arc::new(CursorKey::new(key)));
        self
    }

    /// Says which feature the call needs.
    #[cfg(not(feature = "sealed-cursors"))]
    #[doc(hidden)]
    #[must_use]
    pub fn with_cursor_key(self, _: [u8; 32]) -> Self
    where
        Self: crate::cursor_key::SealedCursors,
    {
        self
    }

    /// Sets the policy for records that a read has migrated.
    #[must_use]
    pub fn with_write_back(self, policy: WriteBack) -> Self {
        self.with_migrations(|migrations| migrations.policy = policy)
    }

    /// Sets how many migrated records may be written back in a second. Later reads write the
    /// others.
    #[must_use]
    pub fn with_write_back_rate(self, per_second: u32) -> Self {
        self.with_migrations(|migrations| migrations.budget = Arc::new(Budget::new(per_second)))
    }

    /// Runs write-backs through `spawn`, so that reads do not wait for them. If `spawn` panics, the
    /// record stays as it is, and the read succeeds.
    ///
    /// ```
    /// # use kv_runtime::{Kv, store::MemoryStore};
    /// let kv = Kv::new(MemoryStore::new()).with_write_back_spawner(|write_back| {
    ///     tokio::spawn(write_back);
    /// });
    /// ```
    #[must_use]
    pub fn with_write_back_spawner(self, spawn: impl Fn(WriteBackFuture) + Send + Sync + 'static) -> Self {
        self.with_migrations(|migrations| migrations.spawn = Some(Arc::new(spawn)))
    }

    /// Returns a handle whose `hook` is called for every migration and may refuse it.
    #[must_use]
    pub fn with_migration_hook(self, hook: impl MigrationHook + Send + Sync) -> Self {
        self.with_migrations(|migrations| migrations.hook = Hook(Some(Arc::new(hook))))
    }

    /// Returns a handle whose [transactions](Self::transact) try for so long. Clones that were made
    /// before keep their options.
    #[must_use]
    pub fn with_transaction_options(mut self, options: TransactionOptions) -> Self {
        self.transactions = options;
        self
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// Returns how many migrated records were written back, or not, through this handle and its
    /// clones.
    #[must_use]
    pub fn write_back_stats(&self) -> WriteBackStats {
        let [written, lost, deferred, failed] = &self.shared.counters.0;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriteBackStats {
            written: read(written),
            lost: read(lost),
            deferred: read(deferred),
            failed: read(failed),
        }
    }

    /// Returns how many transactions of this handle and its clones met other writers, and how they
    /// ended.
    #[must_use]
    pub fn transaction_stats(&self) -> TransactionStats {
        self.shared.transactions.read()
    }

    /// Whether both handles are of one store.
    pub(crate) fn is_same<T>(&self, other: &Kv<T>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.shared), Arc::as_ptr(&other.shared))
    }

    fn with_migrations(mut self, change: impl FnOnce(&mut Migrations)) -> Self {
        change(Arc::make_mut(&mut self.migrations));
        self
    }

    pub(crate) fn cursor_key(&self) -> Option<&CursorKey> {
        self.cursor_key.as_deref()
    }

    /// The store's queue, which all its users share.
    pub(crate) fn fair_queue(&self) -> &FairQueue {
        self.shared.store.info().fair_queue()
    }

    /// The calls by which everything is written, so that caches hear of it.
    pub(crate) fn writes(&self) -> Writes<'_, S> {
        Writes { store: &self.shared.store, origin: self.origin, is_fill: false }
    }

    /// The handle of a cache, which does not hear what is written through it.
    #[cfg(all(feature = "cache", not(target_arch = "wasm32")))]
    pub(crate) fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    pub(crate) fn indexes(&self) -> &KnownIndexes {
        &self.shared.indexes
    }

    pub(crate) fn count(&self, event: WrittenBack) {
        self.shared.counters.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn transaction_options(&self) -> TransactionOptions {
        self.transactions
    }

    pub(crate) fn count_transaction(&self, event: TransactionEvent) {
        self.shared.transactions.count(event);
    }

    /// The application's spawner of background work, if it gave one.
    pub(crate) fn spawner(&self) -> Option<&(dyn Spawn + Send + Sync)> {
        self.migrations.spawn.as_deref()
    }

    /// Runs a write-back of so many records, or hands it to the application's spawner.
    pub(crate) async fn run_write_back(
        &self,
        records: usize,
        write_back: impl Future<Output = ()> + MaybeSend + 'static,
    ) {
        match &self.migrations.spawn {
            Some(spawn) => {
                if !spawn.try_spawn(Box::pin(write_back)) {
                    (0..records).for_each(|_| self.count(WrittenBack::Failed));
                    tracing::warn!("the spawner panicked; migrated records were not written back");
                }
            }
            None => write_back.await,
        }
    }
}

/// What happened to records that reads migrated. Returned by [`Kv::write_back_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteBackStats {
    /// Records written in their new version.
    pub written: u64,
    /// Records left unchanged because another writer was first.
    pub lost: u64,
    /// Records left unchanged because of the rate limit, or because they expire so soon that the
    /// server would keep them for longer.
    pub deferred: u64,
    /// Records not written because the store or a limit refused them, or because the spawner panicked.
    pub failed: u64,
}

/// What happened to one record, in the order of the counters.
#[derive(Clone, Copy)]
pub(crate) enum WrittenBack {
    Written,
    Lost,
    Deferred,
    Failed,
}

#[derive(Default)]
struct Counters([AtomicU64; 4]);

impl<S> Clone for Kv<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            migrations: Arc::clone(&self.migrations),
            cursor_key: self.cursor_key.clone(),
            transactions: self.transactions,
            origin: self.origin,
        }
    }
}

impl<S: Store> fmt::Debug for Kv<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").field("store", &self.store().info().name()).finish_non_exhaustive()
    }
}
