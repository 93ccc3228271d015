//! The calls of a transaction.

use std::any::TypeId;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::entry::AsWritten;
use super::limits::check_writes;
use super::rerun::ListsInTransactions;
use super::state::{Saved, State};
use crate::collection::indexed::{Of, check_supported};
use crate::collection::{Collection, IdRef};
use crate::entity::{KvEntity, StoredIn};
use crate::kv::Kv;
use crate::list::List;
use kv_store::BoxFuture;
use kv_store::key::{Key, Lookup};
use kv_store::record::Record;
use kv_store::store::{Batch, Store, StoreExt};
use kv_store::{Error, Result};

/// One attempt of a transaction, in the closure of [`Kv::transact`].
///
/// | reads | returns |
/// | --- | --- |
/// | [`get`](Self::get) | the entity, or `None` |
/// | [`get_many`](Self::get_many) | one answer for each id |
/// | [`exists`](Self::exists) | whether there is an entity |
///
/// | writes | what it does |
/// | --- | --- |
/// | [`save`](Self::save) | writes an entity that was read and changed |
/// | [`update`](Self::update) | reads and changes an entity |
/// | [`upsert`](Self::upsert) | changes an entity, or writes a new one |
/// | [`insert`](Self::insert) | writes a new entity |
/// | [`put`](Self::put) | replaces the record without reading it |
/// | [`delete`](Self::delete) | removes all groups |
/// | [`with_ttl`](Self::with_ttl) | the same writes with another TTL |
///
/// Views, groups and entities of any type can be mixed. All of them see what the transaction has
/// written before.
///
/// **Reads.** All that the closure reads is of one moment. A later read asks again for all that was
/// read before, in the same call of the store. If another writer has changed any of it, the read
/// fails, and the closure runs again, whatever it makes of the error. What was read is read once: a
/// record does not change while the transaction looks at it. Nothing that was migrated is written
/// back. After a read that failed, the transaction cannot be committed.
///
/// **Writes** are held back until the closure has returned `Ok`. A write that is refused leaves the
/// transaction as it was.
///
/// The moment at which a record expires is not isolated: a record that was read may have expired
/// before the commit, which is then a conflict.
///
/// Functions that the closure calls take `&Tx<S>`:
///
/// ```
/// use kv_runtime::store::AtomicStore;
/// use kv_runtime::{KvEntity, Result, Tx};
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "account")]
/// # struct Account {
/// #     #[kv(id)]
/// #     id: u64,
/// #     cents: i64,
/// # }
///
/// /// Takes what is there, up to `cents`.
/// async fn take<S: AtomicStore>(tx: &Tx<S>, id: u64, cents: i64) -> Result<i64> {
///     let Some(mut account) = tx.get::<Account>(id).await? else { return Ok(0) };
///     let taken = cents.min(account.cents);
///     account.cents -= taken;
///     tx.save(&account)?;
///     Ok(taken)
/// }
/// # fn main() {}
/// ```
pub struct Tx<S> {
    pub(super) kv: Kv<S>,
    state: Mutex<State>,
    pub(super) is_first: bool,
}

impl<S: Store> Tx<S> {
    pub(super) fn new(kv: Kv<S>, is_first: bool) -> Self {
        Self { kv, state: Mutex::default(), is_first }
    }

    /// Returns whether it writes entities with indexes.
    pub(super) fn has_indexes(&self) -> bool {
        !self.lock().indexed.is_empty()
    }

    pub(super) fn into_state(self) -> State {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never held across an await, nor while code of the application runs.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the entity with this id, or `None`, as [`Collection::get`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Collection::get`]. The transaction cannot be committed after one. Also
    /// [`Error::NotTogether`] if the store cannot commit the entity together with what the
    /// transaction has, and [`Error::TransactionTooLarge`].
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// let cents = kv
    ///     .transact(async |tx| {
    ///         let account = tx.get::<Account>(1).await?;
    ///         Ok(account.map_or(0, |account| account.cents))
    ///     })
    ///     .await?;
    /// assert_eq!(cents, 500);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<E: KvEntity>(
        &self,
        id: IdRef<'_, E>,
    ) -> impl Future<Output = Result<Option<E>>> + use<'_, E, S> {
        let entities = self.entities::<E>(None);
        let (key, id) = entities.key_and_id(id);
        async move {
            let records = self.records(&entities.keys_of_anchor(&key)?, E::SCHEMA.name).await?;
            let found = entities.entity_at(id, &key, &records);
            let found = found.map_err(|error| self.failed(error, E::SCHEMA.name))?;
            self.note_as_written(&entities, &key, found.as_ref(), &records);
            Ok(found)
        }
    }

    /// Returns one answer for each id, in the order of the ids: the entity, or `None`. Reads all of
    /// them in one call of the store, so it costs less than one [`get`](Self::get) after the other.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get). One entity that cannot be read fails the call. A transaction has no
    /// `get_each`: a commit has a condition on each record that was read, and there is none on a record
    /// that could not be.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// let sum = kv
    ///     .transact(async |tx| {
    ///         let accounts = tx.get_many::<Account>([1, 2]).await?;
    ///         Ok(accounts.into_iter().flatten().map(|account| account.cents).sum::<i64>())
    ///     })
    ///     .await?;
    /// assert_eq!(sum, 500);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many<E: KvEntity>(
        &self,
        ids: impl IntoIterator<Item: Lookup<E::Id>>,
    ) -> BoxFuture<'_, Result<Vec<Option<E>>>> {
        let entities = self.entities::<E>(None);
        let ids = ids.into_iter();
        let mut anchors = Vec::with_capacity(ids.size_hint().0);
        let mut owned = Vec::with_capacity(ids.size_hint().0);
        for id in ids {
            anchors.push(entities.key_for(&id));
            owned.push(id.into_id());
        }
        Box::pin(async move {
            let records = self.records(&entities.keys_of_anchors(&anchors)?, E::SCHEMA.name).await?;
            let mut answers = Vec::with_capacity(anchors.len());
            let records = records.chunks(E::SCHEMA.groups.len());
            for ((anchor, id), records) in anchors.iter().zip(owned).zip(records) {
                let found = entities.entity_at(id, anchor, records);
                let found = found.map_err(|error| self.failed(error, E::SCHEMA.name))?;
                self.note_as_written(&entities, anchor, found.as_ref(), records);
                answers.push(found);
            }
            Ok(answers)
        })
    }

    /// Returns whether there is an entity with this id: whether its first group is there.
    ///
    /// Changes of the entity by others are no conflict, as long as it stays.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), except those about its value.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// let is_there = kv.transact(async |tx| tx.exists::<Account>(2).await).await?;
    /// assert!(!is_there);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exists<E: KvEntity>(
        &self,
        id: IdRef<'_, E>,
    ) -> impl Future<Output = Result<bool>> + use<'_, E, S> {
        let entities = self.entities::<E>(None);
        let key = entities.key_for(&id);
        async move {
            entities.keys_of_anchor(&key)?;
            self.is_there(&key, E::SCHEMA.name).await
        }
    }

    /// Writes an entity that this transaction has read, after the closure has changed it. It writes
    /// what [`Collection::update`] does: the groups that have changed, with the members that the
    /// struct does not name, the remaining TTL, and the metadata of other programs.
    ///
    /// # Errors
    ///
    /// [`Error::NotRead`] if this transaction has not read all groups of the entity, and
    /// [`Error::NotFound`] if it found none. Otherwise as [`put`](Self::put).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// kv.transact(async |tx| {
    ///     let Some(mut account) = tx.get::<Account>(1).await? else { return Ok(()) };
    ///     account.cents -= 200;
    ///     tx.save(&account)
    /// })
    /// .await?;
    /// # let account = kv.collection::<Account>().get(1).await?;
    /// # assert_eq!(account.map(|account| account.cents), Some(300));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.save_with(entity, None)
    }

    /// Reads an entity, changes it, and returns it as it will be written.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, and [`Error::IdChanged`] if `change` changed the id.
    /// Otherwise as [`get`](Self::get) and [`put`](Self::put).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// let account = kv
    ///     .transact(async |tx| tx.update::<Account>(1, |account| account.cents += 100).await)
    ///     .await?;
    /// assert_eq!(account.cents, 600);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn update<E: KvEntity + StoredIn<S>>(
        &self,
        id: IdRef<'_, E>,
        change: impl FnOnce(&mut E),
    ) -> Result<E> {
        self.update_with(id, change, None::<fn() -> E>, None).await
    }

    /// Reads an entity and changes it, or writes what `create` returns if there is none. Returns it
    /// as it will be written. `change` is not applied to what `create` returned.
    ///
    /// # Errors
    ///
    /// [`Error::IdChanged`] if `create` returned an entity with another id. Otherwise as
    /// [`update`](Self::update), except `NotFound`.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// let account = kv
    ///     .transact(async |tx| {
    ///         let new = || Account { id: 2, cents: 100 };
    ///         tx.upsert::<Account>(2, new, |account| account.cents += 100).await
    ///     })
    ///     .await?;
    /// assert_eq!(account.cents, 100);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn upsert<E: KvEntity + StoredIn<S>>(
        &self,
        id: IdRef<'_, E>,
        create: impl FnOnce() -> E,
        change: impl FnOnce(&mut E),
    ) -> Result<E> {
        self.update_with(id, change, Some(create), None).await
    }

    /// Writes a new entity. If the transaction has not read it, the commit requires that there is
    /// none: otherwise [`Kv::transact`] ends with [`Error::AlreadyExists`], once all that was read
    /// is known to hold.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the transaction has read or written one with this id. Otherwise as
    /// [`put`](Self::put).
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// use kv_runtime::Error;
    ///
    /// let refused = kv.transact(async |tx| tx.insert(&Account { id: 1, cents: 0 })).await;
    /// assert!(matches!(refused, Err(Error::AlreadyExists { .. })));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.insert_with(entity, None)
    }

    /// Writes the entity, and replaces its record: value, metadata and expiry. A record that the
    /// transaction has not read is replaced whatever others write.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if a value would not be read back equal, [`Error::KeyTooLong`] and the like
    /// if the store cannot hold it, [`Error::NotTogether`] and [`Error::TransactionTooLarge`] if it
    /// cannot commit it with the rest.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// kv.transact(async |tx| tx.put(&Account { id: 1, cents: 0 })).await?;
    /// # let account = kv.collection::<Account>().get(1).await?;
    /// # assert_eq!(account.map(|account| account.cents), Some(0));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put<E: KvEntity + StoredIn<S>>(&self, entity: &E) -> Result<()> {
        self.put_with(entity, None)
    }

    /// Removes the entity with this id, all of its groups. It is not an error if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`put`](Self::put) about keys.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "account")]
    /// # struct Account {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     cents: i64,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// # kv.collection().put(&Account { id: 1, cents: 500 }).await?;
    /// // Account 1 is closed, and what is left goes to account 2.
    /// kv.transact(async |tx| {
    ///     let Some(closed) = tx.get::<Account>(1).await? else { return Ok(()) };
    ///     tx.delete::<Account>(1)?;
    ///     tx.put(&Account { id: 2, cents: closed.cents })
    /// })
    /// .await?;
    /// # let accounts = kv.collection::<Account>();
    /// # assert!(!accounts.exists(1).await? && accounts.exists(2).await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete<E: KvEntity + StoredIn<S>>(&self, id: IdRef<'_, E>) -> Result<()> {
        let entities = self.entities::<E>(None);
        let key = entities.key_for(&id);
        let writes = Batch::deletes(entities.keys_of_anchor(&key)?.iter().cloned());
        self.write::<E>(writes, None)
    }

    /// Says that there are no lists.
    #[doc(hidden)]
    pub fn list<E: KvEntity>(&self) -> List<E, S>
    where
        Self: ListsInTransactions,
    {
        Collection::new(self.kv.clone()).list()
    }

    fn entities<E: KvEntity>(&self, ttl: Option<Duration>) -> Collection<E, S> {
        let entities = Collection::new(self.kv.clone());
        match ttl {
            Some(ttl) => entities.with_ttl(ttl),
            None => entities,
        }
    }

    /// Notes if the stored records are just what would be written of the entity, which was read from
    /// them. Then a `save` need not decode them again to know what has changed.
    fn note_as_written<E: KvEntity>(
        &self,
        entities: &Collection<E, S>,
        anchor: &Key,
        entity: Option<&E>,
        records: &[Option<Record>],
    ) {
        if let Some(entity) = entity.filter(|entity| entities.is_as_written(entity, records)) {
            let as_written = AsWritten { by: TypeId::of::<E>(), expires_at: entity.expires_at() };
            self.lock().note_as_written(anchor, as_written);
        }
    }

    pub(super) fn put_with<E: KvEntity>(&self, entity: &E, ttl: Option<Duration>) -> Result<()> {
        let entities = self.entities::<E>(ttl);
        let writes = entities.writes_to_put(&entities.anchor_of(entity), entity)?;
        self.write::<E>(writes.into(), None)
    }

    pub(super) fn insert_with<E: KvEntity>(&self, entity: &E, ttl: Option<Duration>) -> Result<()> {
        let entities = self.entities::<E>(ttl);
        let key = entities.anchor_of(entity);
        if self.lock().is_there(&key, || self.now()) == Some(true) {
            return Err(Error::AlreadyExists { at: entities.at(&key) });
        }
        let writes = entities.writes_to_put(&key, entity)?;
        self.write::<E>(writes.into(), Some(&key))
    }

    pub(super) fn save_with<E: KvEntity>(&self, entity: &E, ttl: Option<Duration>) -> Result<()> {
        let entities = self.entities::<E>(ttl);
        let key = entities.anchor_of(entity);
        let keys = entities.keys_of_anchor(&key)?;
        let saved = self.lock().saved(&keys, TypeId::of::<E>(), || self.now());
        let Some(Saved { records, as_written }) = saved else {
            return Err(Error::NotRead { at: entities.at(&key) });
        };
        let writes = match as_written {
            Some(expires_at) => entities.writes_to_save_again(&key, entity, &records, expires_at)?,
            None => entities.writes_to_save(&key, entity, &records)?.into(),
        };
        self.write::<E>(writes, None)
    }

    pub(super) async fn update_with<E: KvEntity>(
        &self,
        id: IdRef<'_, E>,
        change: impl FnOnce(&mut E),
        create: Option<impl FnOnce() -> E>,
        ttl: Option<Duration>,
    ) -> Result<E> {
        let entities = self.entities::<E>(ttl);
        let (key, id) = entities.key_and_id(id);
        let records = self.records(&entities.keys_of_anchor(&key)?, E::SCHEMA.name).await?;
        let (entity, writes) = entities.writes_to_update(&key, id, &records, change, create)?;
        self.write::<E>(writes.into(), None)?;
        Ok(entity)
    }

    /// Holds the writes of one entity back, if the store takes them with the rest.
    fn write<E: KvEntity>(&self, writes: Batch, inserted: Option<&Key>) -> Result<()> {
        let limits = self.kv.store().capabilities().limits;
        let mut state = self.lock();
        if let Err((key, refused)) = check_writes(&state, &writes, inserted, &limits) {
            return Err(refused.into_error(self.at(key, Some(E::SCHEMA.name))));
        }
        if const { !E::INDEXES.is_empty() }
            && let Some(write) = writes.first()
        {
            let of = Of(self.entities::<E>(None));
            check_supported(&of.0)?;
            state.indexed.insert(of.0.anchor_of_group(write.key()), Arc::new(of));
        }
        state.write(writes, E::SCHEMA.name, inserted);
        Ok(())
    }
}

/// Shows how many records were read and are written, and none of them.
impl<S: Store> fmt::Debug for Tx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reads, writes) = self.lock().counts();
        let mut shown = f.debug_struct("Tx");
        shown.field("store", &self.kv.store().name()).field("reads", &reads).field("writes", &writes);
        shown.finish_non_exhaustive()
    }
}
