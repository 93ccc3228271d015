//! Changes without a condition, for stores that cannot tell whether a record has changed: the last
//! write wins.
//!
//! They read, change and write. Another writer can intervene between the two calls, and its write
//! is then lost.

use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, Record};
use kv_store::store::{GetOptions, Store, StoreExt, Write};
use kv_store::{BoxFuture, Error, Location, Result};

use super::changing::{Changing, NotChanged};
use super::difference::Before;
use super::indexed::Requires;
use super::write::{as_puts, whole_failure};
use super::{Collection, IdRef, StoredEntity, keys_of_groups, named, once};
use crate::entity::{GroupSchema, KvEntity, Touch};
use crate::small::{Instrument, apart};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Changes an existing entity on any store, and returns it as it was written.
    ///
    /// **The last write wins.** What another writer writes between this call's read and its write
    /// is lost, and what it deletes comes back. On a store whose reads may be old
    /// ([`Sharing::Eventual`](crate::store::Sharing::Eventual)) that time is as long as they may
    /// be: a minute on Cloudflare KV. Use [`update`](Self::update) on every store with
    /// compare-and-swap.
    ///
    /// Otherwise it works as `update`: groups that `change` leaves equal are not written, and the
    /// expiry, the metadata of others and unknown members of the value are kept. The groups of an
    /// entity are written one after the other, the first group last.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such entity, and [`Error::ExpiryUnknown`] if the store
    /// cannot say when the record expires; nothing is written then.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let ada = users.update_last_write_wins(7, |user| user.name.push('!')).await?;
    /// assert_eq!(ada.name, "Ada!");
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_last_write_wins<F>(
        &self,
        id: IdRef<'_, E>,
        change: F,
    ) -> impl Future<Output = Result<E>> + use<'_, E, S, F>
    where
        F: FnOnce(&mut E),
    {
        let (operation, (key, id)) = ("update_last_write_wins", self.key_and_id(id));
        async move { Ok(self.overwrite(operation, key, id, once(change), None::<fn() -> E>).await?.entity) }
    }

    /// Changes an existing entity as [`update_last_write_wins`](Self::update_last_write_wins) does,
    /// but `change` may fail with the caller's own error. Then nothing is written, and the call
    /// returns that error.
    ///
    /// The error type must implement `From<kv_runtime::Error>`.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let refuse = |_: &mut User| Err::<(), Box<dyn std::error::Error>>("not today".into());
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let refused = users.try_update_last_write_wins(7, refuse).await;
    /// assert_eq!(refused.map_err(|error| error.to_string()), Err("not today".to_owned()));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_update_last_write_wins<F, X>(
        &self,
        id: IdRef<'_, E>,
        change: F,
    ) -> Changing<impl Future<Output = Result<E, NotChanged<X>>> + use<'_, E, S, F, X>>
    where
        F: FnOnce(&mut E) -> Result<(), X>,
    {
        let (operation, (key, id)) = ("try_update_last_write_wins", self.key_and_id(id));
        let change = move |entity: &mut E| change(entity).map_err(NotChanged::Refused);
        Changing::new(async move {
            Ok(self.overwrite(operation, key, id, change, None::<fn() -> E>).await?.entity)
        })
    }

    /// Changes an existing entity as [`update_last_write_wins`](Self::update_last_write_wins) does,
    /// or writes what `create` returns if there is none. Returns the entity as it was written.
    /// `change` is not applied to what `create` returned.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let new = || User { id: 7, name: "Ada".to_owned() };
    /// let ada = users.upsert_last_write_wins(7, new, |user| user.name.push('!')).await?;
    /// assert_eq!(ada.name, "Ada");
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upsert_last_write_wins<C, F>(
        &self,
        id: IdRef<'_, E>,
        create: C,
        change: F,
    ) -> impl Future<Output = Result<E>> + use<'_, E, S, C, F>
    where
        C: FnOnce() -> E,
        F: FnOnce(&mut E),
    {
        let (operation, (key, id)) = ("upsert_last_write_wins", self.key_and_id(id));
        async move { Ok(self.overwrite(operation, key, id, once(change), Some(create)).await?.entity) }
    }

    /// Gives the record its full TTL again on any store, and returns whether it exists.
    ///
    /// It reads the records and writes them as they were, so **the last write wins** as in
    /// [`update_last_write_wins`](Self::update_last_write_wins). It leaves alone a group without
    /// TTL, and a record that lives longer already. With
    /// [`with_touch_interval`](Self::with_touch_interval) a record that was extended a short while
    /// ago is skipped.
    ///
    /// # Errors
    ///
    /// [`Error::ExpiryUnknown`] if the store cannot say when the record expires; nothing is written
    /// then.
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
    /// assert!(sessions.touch_last_write_wins("t-123").await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn touch_last_write_wins(&self, id: IdRef<'_, E>) -> BoxFuture<'_, Result<bool>>
    where
        E: Touch,
    {
        let key = self.key_for(&id);
        // Boxed, as the type of an `impl Future` would repeat the bound.
        Box::pin(async move { Ok(self.rewrite_at(key).await? != Touched::Absent) })
    }

    /// As [`touch_last_write_wins`](Self::touch_last_write_wins), of the entity with this anchor.
    pub(crate) async fn rewrite_at(&self, key: Key) -> Result<Touched> {
        let span = self.span("touch_last_write_wins", &key);
        async {
            let options = GetOptions::new().with_expiry();
            let records = self.stored_records(std::slice::from_ref(&key), options).await?;
            let Some(Some(anchor)) = records.first() else { return Ok(Touched::Absent) };
            let now = self.info().clock().now();
            if self.was_just_touched(anchor.expires_at, now) {
                return Ok(Touched::Spared);
            }
            let mut writes = Vec::new();
            for ((group, key), record) in E::SCHEMA.groups.iter().zip(keys_of_groups::<E>(&key)).zip(records)
            {
                if let (Some(ttl), Some(record)) = (self.ttl.or(group.ttl), record) {
                    self.check_ttl(&key, ttl)?;
                    self.check_touch(&key, group)?;
                    let standing = expiry_of(self.store(), &key, &record).await.map_err(named::<E>)?.at(now);
                    if standing.is_some_and(|at| at < now.saturating_add(ttl)) {
                        let same = if group.is_plain() {
                            NewRecord::same_as(&record)
                        } else {
                            NewRecord::new(record.value.0, record.metadata)
                        };
                        writes.push((key, same.with_expiry(Expiry::After(ttl))));
                    }
                }
            }
            if writes.is_empty() {
                return Ok(Touched::Spared);
            }
            self.write_last(&key, writes).await?;
            Ok(Touched::Written)
        }
        .instrument(span)
        .await
    }

    /// Read, change, write.
    pub(crate) async fn overwrite<X: From<Error>>(
        &self,
        operation: &'static str,
        key: Key,
        id: E::Id,
        change: impl FnOnce(&mut E) -> Result<(), X>,
        create: Option<impl FnOnce() -> E>,
    ) -> Result<StoredEntity<E>, X> {
        let span = self.span(operation, &key);
        self.overwrite_at(key, id, change, create).instrument(span).await
    }

    async fn overwrite_at<X: From<Error>>(
        &self,
        key: Key,
        id: E::Id,
        change: impl FnOnce(&mut E) -> Result<(), X>,
        create: Option<impl FnOnce() -> E>,
    ) -> Result<StoredEntity<E>, X> {
        let now = self.info().clock().now();
        let records = self.records(std::slice::from_ref(&key), GetOptions::new().with_expiry()).await?;
        let (entity, writes) = match (self.decode(id, &key, &records)?, create) {
            (Some(mut entity), _) => {
                let before = self.values_before(&key, &entity, &records)?;
                change(&mut entity)?;
                self.check_id(&key, &entity, false)?;
                let writes = self.writes_of_change(&key, &entity, &records, &before)?;
                (entity, writes)
            }
            (None, Some(create)) => {
                let entity = create();
                self.check_id(&key, &entity, true)?;
                let nothing = vec![None; records.len()];
                let writes = self.writes_of_change(&key, &entity, &nothing, &Before::default())?;
                (entity, writes)
            }
            (None, None) => return Err(Error::NotFound { at: self.at(&key) }.into()),
        };
        let writes = self.unconditional(&key, writes, &records).await?;
        let written = |group: &GroupSchema| {
            let write = writes.iter().find(|(key, _)| key.group() == group.name);
            write.map(|(_, new)| new.expiry.at(now))
        };
        let found = StoredEntity::after(entity, &records, written);
        self.write_last(&key, writes).await?;
        Ok(found)
    }

    /// Writes records of one entity, whatever is stored.
    async fn write_last(&self, key: &Key, records: Vec<(Key, NewRecord)>) -> Result<()> {
        if const { !E::INDEXES.is_empty() } {
            let written =
                Box::pin(self.write_indexed(self.kv.writes(), key, as_puts(records), Requires::Nothing));
            return apart(written).await.map(drop);
        }
        self.write_anchors_last(self.kv.writes(), records).await.map_err(whole_failure)
    }

    /// Converts the writes for a store that cannot keep an expiry by itself: each names the expiry
    /// that the record has now.
    async fn unconditional(
        &self,
        anchor: &Key,
        writes: Vec<Write>,
        records: &[Option<Record>],
    ) -> Result<Vec<(Key, NewRecord)>> {
        let mut unconditional = Vec::with_capacity(writes.len());
        for write in writes {
            match write {
                Write::Put(key, record) => unconditional.push((key, record)),
                Write::Update(key, record) => {
                    let mut groups = keys_of_groups::<E>(anchor).zip(records);
                    let standing = groups.find(|(of, _)| of.as_str() == key.as_str());
                    let expiry = match standing.and_then(|(_, record)| record.as_ref()) {
                        Some(standing) => {
                            expiry_of(self.store(), &key, standing).await.map_err(named::<E>)?
                        }
                        None => record.expiry,
                    };
                    unconditional.push((key, record.with_expiry(expiry)));
                }
                Write::Touch(key, expiry) => {
                    let mut groups = E::SCHEMA.groups.iter().zip(keys_of_groups::<E>(anchor)).zip(records);
                    let standing = groups.find(|((_, of), _)| of.as_str() == key.as_str());
                    if let Some(((schema, _), Some(record))) = standing {
                        let same = self.same(&key, schema, record, expiry)?;
                        unconditional.push((key, same));
                    }
                }
                // A change does not delete, and indexes need compare-and-swap.
                Write::Delete(_) | Write::AddEntry(_) | Write::RemoveEntry(_) => {}
            }
        }
        Ok(unconditional)
    }
}

/// What became of records that `touch` had to rewrite in order to extend their expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touched {
    /// There are none.
    Absent,
    /// They have been left alone: nothing of them expires, or they were extended a short while ago.
    Spared,
    Written,
}

/// Returns when the record expires that was read and is about to be rewritten.
async fn expiry_of<S: Store>(store: &S, key: &Key, standing: &Record) -> Result<Expiry> {
    if standing.expiry_known {
        return Ok(standing.expires_at.map_or(Expiry::Never, Expiry::At));
    }
    learn_expiry(store, key, &standing.metadata).await
}

/// When a record expires whose read did not say so. If what is there now has other metadata, it is
/// another record's expiry.
pub(crate) async fn learn_expiry<S: Store>(store: &S, key: &Key, metadata: &Metadata) -> Result<Expiry> {
    match store.head(key).await? {
        Some(head) if head.metadata == *metadata || is_plain_head(&head.metadata, metadata) => {
            Ok(head.expires_at.map_or(Expiry::Never, Expiry::At))
        }
        _ => {
            let mut at = Location::of(store.name(), key);
            store.info().locate(&mut at);
            Err(Error::ExpiryUnknown { at })
        }
    }
}

/// Whether a head may be that of a record with this metadata, of which the version is in the value.
fn is_plain_head(head: &Metadata, metadata: &Metadata) -> bool {
    !head.names_version() && *head == metadata.clone().into_plain()
}
