//! The writes of a transaction with a TTL of their own.

use std::fmt;
use std::time::Duration;

use super::tx::Tx;
use crate::collection::IdRef;
use crate::entity::{KvEntity, StoredIn};
use kv_store::Result;
use kv_store::store::Store;

/// A transaction whose writes give records another TTL: [`Tx::with_ttl`].
///
/// ```
/// # use std::time::Duration;
/// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "session", ttl = "30m")]
/// # struct Session { #[kv(id)] token: String }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let kv = Kv::new(MemoryStore::new());
/// let session = Session { token: "abc-def".to_owned() };
/// let month = Duration::from_secs(30 * 24 * 3_600);
/// kv.transact(async |tx| tx.with_ttl(month).insert(&session)).await?; // "remember me"
/// # Ok::<(), kv_runtime::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TxWithTtl<'t, S> {
    tx: &'t Tx<S>,
    ttl: Duration,
}

impl<S: Store> Tx<S> {
    /// Returns the same transaction, whose writes give records this TTL instead of the entity's:
    /// [`Collection::with_ttl`](crate::Collection::with_ttl).
    pub const fn with_ttl(&self, ttl: Duration) -> TxWithTtl<'_, S> {
        TxWithTtl { tx: self, ttl }
    }
}

impl<S: Store> TxWithTtl<'_, S> {
    /// Writes an entity that was read, as [`Tx::save`] does, and gives it this TTL.
    ///
    /// # Errors
    ///
    /// Those of [`Tx::save`].
    pub fn save<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.tx.save_with(entity, Some(self.ttl))
    }

    /// Changes an entity, as [`Tx::update`] does, and gives it this TTL.
    ///
    /// # Errors
    ///
    /// Those of [`Tx::update`].
    pub async fn update<E: KvEntity + StoredIn<S>>(
        &self,
        id: IdRef<'_, E>,
        change: impl FnOnce(&mut E),
    ) -> Result<E> {
        self.tx.update_with(id, change, None::<fn() -> E>, Some(self.ttl)).await
    }

    /// Changes an entity or writes a new one, as [`Tx::upsert`] does, and gives it this TTL.
    ///
    /// # Errors
    ///
    /// Those of [`Tx::upsert`].
    pub async fn upsert<E: KvEntity + StoredIn<S>>(
        &self,
        id: IdRef<'_, E>,
        create: impl FnOnce() -> E,
        change: impl FnOnce(&mut E),
    ) -> Result<E> {
        self.tx.update_with(id, change, Some(create), Some(self.ttl)).await
    }

    /// Writes a new entity, as [`Tx::insert`] does, with this TTL.
    ///
    /// # Errors
    ///
    /// Those of [`Tx::insert`].
    pub fn insert<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.tx.insert_with(entity, Some(self.ttl))
    }

    /// Writes the entity, as [`Tx::put`] does, with this TTL.
    ///
    /// # Errors
    ///
    /// Those of [`Tx::put`].
    pub fn put<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.tx.put_with(entity, Some(self.ttl))
    }
}

impl<S: Store> fmt::Debug for TxWithTtl<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxWithTtl").field("tx", self.tx).field("ttl", &self.ttl).finish()
    }
}
