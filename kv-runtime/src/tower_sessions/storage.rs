//! Where sessions are looked for: in the store, or in a memory before it.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "cache")]
use crate::cache::Cached;
use crate::collection::Collection;
#[cfg(feature = "cache")]
use crate::sourced::Source;
use kv_store::store::{AtomicStore, Store};
use kv_store::{Error, Result, Timestamp};

use super::StoredSession;

pub(super) enum SessionStorage<S> {
    Store(Collection<StoredSession, S>),
    #[cfg(feature = "cache")]
    Memory(Cached<StoredSession, S>),
}

/// A session that was found.
pub(super) struct Seen {
    pub(super) session: Arc<StoredSession>,
    pub(super) record: SeenRecord,
}

/// What is known of its record's expiry.
pub(super) enum SeenRecord {
    /// Read just now, and what the store says of its expiry.
    Read(Option<Timestamp>),
    /// Not looked at: the memory gave the session.
    #[cfg(feature = "cache")]
    Unseen,
}

impl<S: Store> SessionStorage<S> {
    pub(super) fn collection(&self) -> &Collection<StoredSession, S> {
        match self {
            Self::Store(sessions) => sessions,
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => sessions.collection(),
        }
    }

    pub(super) fn with_ttl(&self, ttl: Duration) -> Self {
        match self {
            Self::Store(sessions) => Self::Store(sessions.with_ttl(ttl)),
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => Self::Memory(sessions.with_ttl(ttl)),
        }
    }

    pub(super) async fn find(&self, id: &str) -> Result<Option<Seen>> {
        match self {
            Self::Store(sessions) => {
                let found = sessions.get_with_expiry(id).await?;
                Ok(found.map(|(session, expires_at)| {
                    let record = SeenRecord::Read(expires_at);
                    Seen { session: Arc::new(session), record }
                }))
            }
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => {
                let served = sessions.get_detailed(id).await?;
                let record = match served.source {
                    Source::Memory => SeenRecord::Unseen,
                    _ => SeenRecord::Read(None),
                };
                Ok(served.value.map(|session| Seen { session, record }))
            }
        }
    }

    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        match self {
            Self::Store(sessions) => sessions.delete(id).await,
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => sessions.delete(id).await,
        }
    }
}

impl<S: AtomicStore> SessionStorage<S> {
    pub(super) async fn insert(&self, session: &StoredSession) -> Result<()> {
        match self {
            Self::Store(sessions) => sessions.insert(session).await,
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => sessions.insert(session.clone()).await,
        }
    }

    pub(super) async fn try_update<X: From<Error>>(
        &self,
        id: &str,
        change: impl FnMut(&mut StoredSession) -> Result<(), X>,
    ) -> Result<(), X> {
        match self {
            Self::Store(sessions) => sessions.try_update(id, change).await.map(|_| ()),
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => sessions.try_update(id, change).await.map(|_| ()),
        }
    }

    /// Whether the session is there after it was given `ttl` from now, unless that was done less
    /// than `interval` ago.
    pub(super) async fn touch(&self, id: &str, ttl: Duration, interval: Duration) -> Result<bool> {
        match self {
            Self::Store(sessions) => sessions.with_ttl(ttl).with_touch_interval(interval).touch(id).await,
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => sessions.with_ttl(ttl).with_touch_interval(interval).touch(id).await,
        }
    }
}

impl<S> Clone for SessionStorage<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Store(sessions) => Self::Store(sessions.clone()),
            #[cfg(feature = "cache")]
            Self::Memory(sessions) => Self::Memory(sessions.clone()),
        }
    }
}
