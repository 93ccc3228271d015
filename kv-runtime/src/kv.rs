//! The handle on a store, from which collections are taken, and how migrations behave on it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Timestamp;
use crate::collection::Collection;
use crate::entity::KvEntity;
use crate::list::secret::CursorKey;
use crate::maybe_send::{BoxFuture, MaybeSend, MaybeSync};
use crate::migrate::{Budget, Hook, MigrationHook, WriteBack};
use crate::store::{FairQueue, Store};

/// A store and the typed collections in it. Cheap to clone; clones share the store.
pub struct Kv<S> {
    shared: Arc<Shared<S>>,
    migrations: Arc<Migrations>,
    cursor_key: Option<Arc<CursorKey>>,
}

struct Shared<S> {
    store: S,
    /// For a store that has none.
    queue: FairQueue,
    counters: Counters,
}

/// How records of older versions are treated.
#[derive(Clone)]
struct Migrations {
    policy: WriteBack,
    budget: Arc<Budget>,
    hook: Hook,
    spawn: Option<Arc<dyn Spawn + Send + Sync>>,
}

/// A write-back that is not waited for; `Send`, but on wasm32.
pub type WriteBackFuture = BoxFuture<'static, ()>;

/// What runs a future that nobody waits for.
pub(crate) trait Spawn: MaybeSend + MaybeSync {
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

impl<F: Fn(BoxFuture<'static, ()>) + MaybeSend + MaybeSync> Spawn for F {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self(task);
    }
}

impl<S: Store> Kv<S> {
    /// Takes a store. What is migrated on read is written back where that can hurt nobody: [`WriteBack::Safe`].
    #[must_use]
    pub fn new(store: S) -> Self {
        let migrations = Migrations {
            policy: WriteBack::Safe,
            budget: Arc::default(),
            hook: Hook::default(),
            spawn: None,
        };
        let shared = Shared { store, queue: FairQueue::new(), counters: Counters::default() };
        Self { shared: Arc::new(shared), migrations: Arc::new(migrations), cursor_key: None }
    }

    /// The same store, whose lists of [secret ids](macro@crate::KvEntity#fields) give cursors that can be handed to a client and back: their
    /// text is encrypted with this key (AES-SIV). Every process and every later run that is to take them needs the same 32 random bytes.
    ///
    /// Without a key such a cursor goes on only as the value that it is, within the program.
    #[cfg(feature = "sealed-cursors")]
    #[must_use]
    pub fn with_cursor_key(mut self, key: [u8; 32]) -> Self {
        self.cursor_key = Some(Arc::new(CursorKey::new(key)));
        self
    }

    /// The same store, with another policy for records that were migrated on read.
    #[must_use]
    pub fn with_write_back(self, policy: WriteBack) -> Self {
        self.with_migrations(|migrations| migrations.policy = policy)
    }

    /// The same store, where at most so many records a second are written back; others are left to later reads.
    #[must_use]
    pub fn with_write_back_rate(self, per_second: u32) -> Self {
        self.with_migrations(|migrations| migrations.budget = Arc::new(Budget::new(per_second)))
    }

    /// The same store, whose reads do not wait for the write-back: it is handed to `spawn`.
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

    /// The same store, with a hook that is told of every migration and may refuse it.
    #[must_use]
    pub fn with_migration_hook(self, hook: impl MigrationHook + Send + Sync) -> Self {
        self.with_migrations(|migrations| migrations.hook = Hook(Some(Arc::new(hook))))
    }

    /// All entities of one type in this store.
    #[must_use]
    pub fn collection<E: KvEntity>(&self) -> Collection<E, S> {
        Collection::new(self.clone())
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// What has become of records that were migrated on read, since the store was taken.
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

    fn with_migrations(mut self, change: impl FnOnce(&mut Migrations)) -> Self {
        change(Arc::make_mut(&mut self.migrations));
        self
    }

    pub(crate) fn cursor_key(&self) -> Option<&CursorKey> {
        self.cursor_key.as_deref()
    }

    /// The store's, which all who use the store share.
    pub(crate) fn fair_queue(&self) -> &FairQueue {
        self.shared.store.fair_queue().unwrap_or(&self.shared.queue)
    }

    pub(crate) fn hook(&self) -> &Hook {
        &self.migrations.hook
    }

    pub(crate) fn write_back_policy(&self) -> WriteBack {
        self.migrations.policy
    }

    pub(crate) fn may_write_back(&self, now: Timestamp) -> bool {
        self.migrations.budget.take(now)
    }

    pub(crate) fn count(&self, event: WrittenBack) {
        self.shared.counters.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) async fn run_write_back(&self, write_back: impl Future<Output = ()> + MaybeSend + 'static) {
        match &self.migrations.spawn {
            Some(spawn) => spawn.spawn(Box::pin(write_back)),
            None => write_back.await,
        }
    }
}

/// What has become of records that were migrated on read: [`Kv::write_back_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteBackStats {
    /// Written in their new shape.
    pub written: u64,
    /// Left, because somebody else wrote first.
    pub lost: u64,
    /// Left as they are, because of the rate, or because they expire so soon that the server would keep them for longer.
    pub deferred: u64,
    /// Not written, because the store or a limit refused.
    pub failed: u64,
}

/// What has become of one record; the order is that of the counters.
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
        }
    }
}

impl<S: Store> fmt::Debug for Kv<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv").field("store", &self.store().name()).finish_non_exhaustive()
    }
}
