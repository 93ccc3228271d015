//! Extending a record's TTL on a condition: touch.

use kv_store::key::Key;
use kv_store::record::Expiry;
use kv_store::store::{AtomicStore, Commit, Condition, Expect, Store, StoreExt, Write};
use kv_store::{BoxFuture, Result, Timestamp};

use super::{Collection, IdRef, keys_of_groups, named};
use crate::entity::{KvEntity, Touch};
use crate::small::Instrument;

// The bound is on the impl block, as in `change.rs`.
impl<E: KvEntity, S: AtomicStore> Collection<E, S> {
    /// Gives the record its full TTL again, without reading or writing its value. Returns whether
    /// the entity exists.
    ///
    /// A touch never shortens a record's life, also if others touch it at the same time. It leaves
    /// alone a group without TTL, and a record that lives longer already, by
    /// [`with_ttl`](Self::with_ttl) or without an expiry. It does not bring back a record that was
    /// deleted or has expired.
    ///
    /// With [`with_touch_interval`](Self::with_touch_interval) a record that was extended a short
    /// while ago is skipped.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "session", ttl = "30m")]
    /// # struct Session {
    /// #     #[kv(id)]
    /// #     token: String,
    /// #     user: u64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let sessions = Kv::new(MemoryStore::new()).collection::<Session>();
    /// sessions.put(&Session { token: "t-123".to_owned(), user: 7 }).await?;
    /// assert!(sessions.touch("t-123").await?); // half an hour from now
    /// assert!(!sessions.touch("t-999").await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn touch(&self, id: IdRef<'_, E>) -> BoxFuture<'_, Result<bool>>
    where
        E: Touch,
    {
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(self.touch_at(self.key_for(&id)))
    }

    /// As [`touch`](Self::touch), of the entity with this anchor.
    pub(crate) async fn touch_at(&self, key: Key) -> Result<bool> {
        let span = self.span("touch", &key);
        async {
            self.check_key(&key)?;
            let ttl = self.ttl.or(super::anchor::<E>().ttl);
            if ttl.is_none() || !self.touch_interval.is_zero() {
                let Some(head) = self.store().head(&key).await.map_err(named::<E>)? else { return Ok(false) };
                let now = self.info().clock().now();
                if self.was_just_touched(head.expires_at, now) {
                    return Ok(true);
                }
            }
            let mut writes = Vec::new();
            for (group, key) in E::SCHEMA.groups.iter().zip(keys_of_groups::<E>(&key)) {
                if let Some(ttl) = self.ttl.or(group.ttl) {
                    self.check_ttl(&key, ttl)?;
                    self.check_touch(&key, group)?;
                    writes.push(Write::Touch(key, Expiry::AtLeast(ttl)));
                }
            }
            if writes.is_empty() {
                return Ok(true);
            }
            let present = vec![Condition::new(key, Expect::Present)];
            let commit = self.kv.writes().commit(present, writes.into()).await.map_err(named::<E>)?;
            Ok(commit == Commit::Done)
        }
        .instrument(span)
        .await
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns whether so little of the TTL is used that the touch interval skips the touch.
    pub(super) fn was_just_touched(&self, expires_at: Option<Timestamp>, now: Timestamp) -> bool {
        let ttl = self.ttl.or(super::anchor::<E>().ttl);
        let used = expires_at.zip(ttl).map(|(at, ttl)| ttl.saturating_sub(at.saturating_since(now)));
        used.is_some_and(|used| used < self.touch_interval)
    }
}
