//! Sessions of web applications: [tower-sessions]' store over any [`AtomicStore`] (feature
//! `tower-sessions`).
//!
//! [tower-sessions]: https://docs.rs/tower-sessions

mod storage;
mod stored;

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{self, SessionStore};

#[cfg(feature = "cache")]
use crate::cache::Cache;
use crate::kv::Kv;
use kv_store::store::{AtomicStore, Store};
use kv_store::{Error, Timestamp};

use storage::{Seen, SeenRecord, SessionStorage};
pub use stored::StoredSession;

/// Random ids of 128 bits never collide in practice. A store that reports several collisions is
/// broken.
const MAX_CREATES: usize = 4;

/// The latest moment that tower-sessions can say: the end of the year 9999.
const LATEST: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// Keeps the sessions of tower-sessions in a store. Cheap to clone; clones share the store.
///
/// ```
/// use std::time::Duration;
///
/// use kv_runtime::{Kv, store::MemoryStore, tower_sessions::KvSessionStore};
/// use tower_sessions::{Expiry, SessionManagerLayer, cookie::time};
///
/// const MINUTE: Duration = Duration::from_secs(60);
///
/// let kv = Kv::new(MemoryStore::new());
/// let store = KvSessionStore::new(&kv).with_idle_timeout(30 * MINUTE).with_touch_interval(5 * MINUTE);
/// let layer = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(time::Duration::days(1)));
/// ```
///
/// # How long a session lives
///
/// A session ends at the expiry date that tower-sessions sets, which the cookie has as well: a
/// fixed moment, or a fixed time after the last **change**. With
/// [`with_idle_timeout`](Self::with_idle_timeout) it ends earlier if no **request** has read it for
/// that time. So a session has an absolute and an idle timeout, and a request that only reads
/// extends the idle timeout.
///
/// This does not need `with_always_save` of tower-sessions. Do not use it: it makes each request
/// write back all the data that it read. So a request that changed nothing can undo what another
/// request changed meanwhile. The idle timeout only extends the record's expiry.
///
/// # What the calls promise
///
/// - `create` draws another id if the session's id is taken.
/// - `save` changes an existing session. If the session was deleted or has expired, `save` does
///   nothing and succeeds. So a request in flight neither restores a session after log-out, nor
///   fails because of it. If two requests change the data, the later one wins.
/// - `load` returns a session until it ends. If its idle timeout cannot be extended, `load` logs a
///   warning and still returns the session.
/// - `delete` succeeds whether or not the session exists.
///
/// Times come from the store's [`clock`](crate::store::StoreExt::clock) and have millisecond precision. The id is
/// secret: errors and spans show its hash. tower-sessions represents an error as text, so the text
/// includes all causes.
pub struct KvSessionStore<S> {
    storage: SessionStorage<S>,
    idle_timeout: Option<Duration>,
    touch_interval: Duration,
    #[cfg(feature = "cache")]
    memory: Option<Memory>,
}

/// What is asked of a memory before the store.
#[cfg(feature = "cache")]
#[derive(Clone, Copy)]
struct Memory {
    ttl: Duration,
    sessions: usize,
}

impl<S: Store> KvSessionStore<S> {
    /// Sessions in this store, which live to their expiry date.
    #[must_use]
    pub fn new(kv: &Kv<S>) -> Self
    where
        S: AtomicStore,
    {
        Self {
            storage: SessionStorage::Store(kv.collection()),
            idle_timeout: None,
            touch_interval: Duration::ZERO,
            #[cfg(feature = "cache")]
            memory: None,
        }
    }

    /// The same sessions, which end if no request has loaded them for this time. It slides with
    /// each load, unless a [touch interval](Self::with_touch_interval) spares the write, and never
    /// beyond the expiry date.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        #[cfg(feature = "cache")]
        self.remember();
        self
    }

    /// The same sessions, whose expiry is moved at most once in `interval`, so that a sliding
    /// session is not one write per request.
    ///
    /// This goes for the idle timeout, which may so end a session up to `interval` early, and
    /// counts as at most half of that timeout; and for a `save` that moves the expiry date and
    /// changes no data.
    #[must_use]
    pub fn with_touch_interval(mut self, interval: Duration) -> Self {
        self.touch_interval = interval;
        self
    }

    /// The same sessions, of which `sessions`, about, are held in memory, each for `ttl` after it
    /// was read from the store (feature `cache`).
    ///
    /// Writes and log-outs through this store and its clones are seen at once, also if their future
    /// is dropped. So are those of this process through a collection of [`StoredSession`], on the same
    /// handle of the engine. Those of **other processes** are seen up to `ttl` late: so long may a session that was ended elsewhere still be let in. A
    /// memory is a miss at worst; it makes no write fail, and serves no session that has expired,
    /// or that the store fails to give.
    ///
    /// A session that memory gives does not slide, so the idle timeout may end it up to `ttl`
    /// earlier, and `ttl` counts as at most a quarter of that timeout.
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn with_memory(mut self, ttl: Duration, sessions: usize) -> Self {
        self.memory = Some(Memory { ttl, sessions });
        self.remember();
        self
    }

    /// Puts the memory before the store, if one is asked for.
    #[cfg(feature = "cache")]
    fn remember(&mut self) {
        let Some(Memory { ttl, sessions }) = self.memory else { return };
        let ttl = self.idle_timeout.map_or(ttl, |timeout| ttl.min(timeout / 4));
        // Ids that are not there are guesses, and new each time.
        let cache = Cache::new().memory_ttl(ttl).max_entries(sessions).negative_share(0.0).without_filling();
        self.storage = SessionStorage::Memory(self.storage.collection().clone().cached(cache));
    }

    fn now(&self) -> Timestamp {
        self.storage.collection().info().clock().now()
    }

    /// How long the record of a session lives that is used now.
    fn ttl(&self, expires_at: Timestamp) -> Duration {
        let rest = expires_at.saturating_since(self.now());
        self.idle_timeout.map_or(rest, |timeout| timeout.min(rest))
    }
}

impl<S: AtomicStore> KvSessionStore<S> {
    /// Whether the session is there after its time was extended, if that was due.
    async fn slide(&self, session: &StoredSession, record: SeenRecord) -> bool {
        let (Some(timeout), SeenRecord::Read(record_expires_at)) = (self.idle_timeout, record) else {
            return true;
        };
        let interval = self.touch_interval.min(timeout / 2);
        let ttl = self.ttl(session.expires_at);
        let rest = record_expires_at.map(|at| at.saturating_since(self.now()));
        // Close to the expiry date nothing is left to be given.
        if rest.is_some_and(|rest| rest >= ttl || ttl - rest < interval) {
            return true;
        }
        self.storage.touch(&session.id, ttl, interval).await.unwrap_or_else(|error| {
            tracing::warn!(%error, cause = kv_store::__private::causes(&error), "the expiry of a session could not be extended");
            true
        })
    }
}

#[async_trait]
impl<S: AtomicStore> SessionStore for KvSessionStore<S> {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let expires_at = expiry_of(record);
        let ttl = self.ttl(expires_at);
        if ttl.is_zero() {
            return Ok(());
        }
        let sessions = self.storage.with_ttl(ttl);
        let mut session = StoredSession { id: record.id.to_string(), data: record.data.clone(), expires_at };
        let mut creates = 1;
        loop {
            match sessions.insert(&session).await {
                Err(Error::AlreadyExists { .. }) if creates < MAX_CREATES => creates += 1,
                result => return result.map_err(session_error),
            }
            record.id = Id::default();
            session.id = record.id.to_string();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let expires_at = expiry_of(record);
        let ttl = self.ttl(expires_at);
        if ttl.is_zero() {
            return self.delete(&record.id).await;
        }
        let sessions = self.storage.with_ttl(ttl);
        let id = record.id.to_string();
        let saved = sessions.try_update(&id, |session| {
            let moved = expires_at.saturating_since(session.expires_at);
            let sooner = expires_at < session.expires_at;
            if session.data == record.data && !sooner && (moved.is_zero() || moved < self.touch_interval) {
                return Err(Unsaved::AsItWas);
            }
            session.data.clone_from(&record.data);
            session.expires_at = expires_at;
            Ok(())
        });
        match saved.await {
            Ok(()) | Err(Unsaved::AsItWas) => Ok(()),
            Err(Unsaved::Failed(Error::NotFound { at })) => {
                tracing::debug!(%at, "a session ended while a request was changing it; the change is dropped");
                Ok(())
            }
            Err(Unsaved::Failed(error)) => Err(session_error(error)),
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some(Seen { session, record }) =
            self.storage.find(&id.to_string()).await.map_err(session_error)?
        else {
            return Ok(None);
        };
        if session.expires_at <= self.now() || !self.slide(&session, record).await {
            return Ok(None);
        }
        let expiry_date = SystemTime::from(session.expires_at.min(LATEST)).into();
        let data = Arc::try_unwrap(session).map_or_else(|shared| shared.data.clone(), |session| session.data);
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.storage.delete(&id.to_string()).await.map_err(session_error)
    }
}

/// Why a session was not written.
enum Unsaved {
    AsItWas,
    Failed(Error),
}

impl From<Error> for Unsaved {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn expiry_of(record: &Record) -> Timestamp {
    SystemTime::from(record.expiry_date).into()
}

/// tower-sessions represents errors as text, so this includes the causes.
fn session_error(error: Error) -> session_store::Error {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {source}");
        cause = source.source();
    }
    match error {
        Error::Encode { .. } => session_store::Error::Encode(text),
        Error::Decode { .. } | Error::Malformed { .. } | Error::UnknownCodec { .. } => {
            session_store::Error::Decode(text)
        }
        _ => session_store::Error::Backend(text),
    }
}

impl<S> Clone for KvSessionStore<S> {
    fn clone(&self) -> Self {
        Self { storage: self.storage.clone(), ..*self }
    }
}

impl<S: Store> fmt::Debug for KvSessionStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvSessionStore")
            .field("store", &self.storage.collection().info().name())
            .field("idle_timeout", &self.idle_timeout)
            .field("touch_interval", &self.touch_interval)
            .finish_non_exhaustive()
    }
}
