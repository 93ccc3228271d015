//! Reads: they need no more than a [`Store`], and write nothing but what they had to migrate.

use std::borrow::Cow;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{GetOptions, Store, StoreExt};
use kv_store::{Error, Location, Result, Timestamp};

use super::decode::{Context, Records, decode, decode_present};
use super::filled::is_filled;
use super::{Collection, IdRef, keys_of_groups, named};
use crate::entity::{GroupSchema, KvEntity};
use crate::small::{Instrument, apart};

/// An entity as a store has it.
pub(crate) struct StoredEntity<E> {
    pub(crate) entity: E,
    /// When the first of its groups expires, as far as the store can tell.
    #[cfg_attr(
        not(any(feature = "cache", feature = "tower-sessions")),
        expect(dead_code, reason = "asked for by caches and sessions alone")
    )]
    pub(crate) expires_at: Option<Timestamp>,
    /// The same without groups whose expiry is the TTL of a cache.
    #[cfg_attr(not(feature = "cache"), expect(dead_code, reason = "asked for by caches alone"))]
    pub(crate) own_expires_at: Option<Timestamp>,
}

impl<E: KvEntity> StoredEntity<E> {
    fn new(entity: E, records: &[Option<Record>]) -> Self {
        let records = || records.iter().flatten();
        let expires_at = records().filter_map(|record| record.expires_at).min();
        let own = |record: &&Record| record.expires_at.is_some() && !is_filled(&record.metadata);
        let own_expires_at =
            expires_at.and_then(|_| records().filter(own).filter_map(|it| it.expires_at).min());
        Self { entity, expires_at, own_expires_at }
    }

    /// The entity after a change of these records of its groups. `written` returns the new expiry of
    /// a group, if the change sets one.
    pub(super) fn after(
        entity: E,
        records: &[Option<Record>],
        written: impl Fn(&GroupSchema) -> Option<Option<Timestamp>>,
    ) -> Self {
        let (mut expires_at, mut own_expires_at) = (None, None);
        for (group, record) in E::SCHEMA.groups.iter().zip(records) {
            let (expiry, is_own) = match (written(group), record) {
                (Some(expiry), _) => (expiry, true),
                (None, Some(record)) => (record.expires_at, !is_filled(&record.metadata)),
                (None, None) => (None, true),
            };
            expires_at = earlier(expires_at, expiry);
            own_expires_at = earlier(own_expires_at, expiry.filter(|_| is_own));
        }
        Self { entity, expires_at, own_expires_at }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entity with this id, or `None`.
    ///
    /// All groups are read with one batch. A record of an older version is read as the current
    /// struct.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`](crate::Error::Incomplete) if the first group is there and a required
    /// group is not. [`Error::Decode`](crate::Error::Decode),
    /// [`Error::TooNew`](crate::Error::TooNew) and the like if a record cannot be read; it stays as
    /// it is. Otherwise the store's errors.
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// #[derive(KvEntity)]
    /// #[kv(prefix = "member")]
    /// struct Member {
    ///     #[kv(id)]
    ///     org: String,
    ///     #[kv(id)]
    ///     user: u64,
    ///     role: String,
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let members = Kv::new(MemoryStore::new()).collection::<Member>();
    /// let ada = Member { org: "acme".to_owned(), user: 7, role: "owner".to_owned() };
    /// members.put(&ada).await?;
    /// assert_eq!(members.get(("acme", 7)).await?.map(|member| member.role).as_deref(), Some("owner"));
    /// assert!(members.get(("acme", 8)).await?.is_none());
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<Option<E>>> + use<'_, E, S> {
        let (key, id) = self.key_and_id(id);
        async move { self.look(id, &key, GetOptions::new(), |entity, _| entity).await }
    }

    /// The entity as [`get`](Self::get) gives it, and when it expires.
    #[cfg(feature = "tower-sessions")]
    pub(crate) async fn get_with_expiry(&self, id: IdRef<'_, E>) -> Result<Option<(E, Option<Timestamp>)>> {
        let (key, id) = self.key_and_id(id);
        Ok(self.find(id, &key).await?.map(|found| (found.entity, found.expires_at)))
    }

    /// Returns whether there is an entity with this id: whether its first group is there. Reads no
    /// value.
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
    /// assert!(!users.exists(7).await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exists(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<bool>> + use<'_, E, S> {
        let key = self.key_for(&id);
        async move {
            let span = self.span("exists", &key);
            async {
                self.check_key(&key)?;
                Ok(self.store().head(&key).await.map_err(named::<E>)?.is_some())
            }
            .instrument(span)
            .await
        }
    }

    /// The entity under this key, and when the first of its groups expires.
    #[allow(dead_code, reason = "used by caches and sessions alone, which are features")]
    pub(crate) async fn find(&self, id: E::Id, key: &Key) -> Result<Option<StoredEntity<E>>> {
        self.look(id, key, GetOptions::new().with_expiry(), StoredEntity::new).await
    }

    /// What `shape` makes of the entity under this key and of its records.
    pub(super) async fn look<T>(
        &self,
        id: E::Id,
        key: &Key,
        options: GetOptions,
        shape: impl FnOnce(E, &[Option<Record>]) -> T,
    ) -> Result<Option<T>> {
        let span = self.span("get", key);
        async {
            let (mut only, all);
            let records = if E::SCHEMA.groups.len() == 1 {
                self.check_key(key)?;
                only = self.kv.store().get(key, options).await;
                if Self::ADOPTS {
                    self.adopt_found(key, &mut only);
                }
                // Where it lies: taking the result apart would move the record several times.
                match &only {
                    Ok(record) => std::slice::from_ref(record),
                    Err(error) => return Err(named::<E>(error.clone())),
                }
            } else {
                all = apart(self.records(std::slice::from_ref(key), options)).await?;
                all.as_slice()
            };
            self.look_at(id, key, records, shape).await
        }
        .instrument(span)
        .await
    }

    /// The same of records that were read.
    pub(super) async fn look_at<T>(
        &self,
        id: E::Id,
        key: &Key,
        records: &[Option<Record>],
        shape: impl FnOnce(E, &[Option<Record>]) -> T,
    ) -> Result<Option<T>> {
        let behind = self.behind(records);
        if Self::HAS_OLDER_VERSIONS && !behind.is_empty() {
            // Apart, as the entity is then held while that is awaited, which costs every read a move.
            return self.shaped(id, key, records, behind, shape).await;
        }
        // Not by `self.decode`: beside an error that is not boxed, the entity would be moved once more.
        let locate = |group: &GroupSchema| self.at(&key.with_group(group.name));
        match decode(id, records, &self.context(&locate)) {
            Ok(found) => Ok(found.map(|entity| shape(entity, records))),
            Err(error) => Err(*error),
        }
    }

    /// The records of all groups of these entities, read with one batch: one entity's after the
    /// other, each in the schema's order.
    pub(crate) async fn records(&self, anchors: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        let mut records = self.stored_records(anchors, options).await?;
        self.adopt_all(anchors, &mut records)?;
        Ok(records)
    }

    /// The same, as the store has them.
    pub(crate) async fn stored_records(
        &self,
        anchors: &[Key],
        options: GetOptions,
    ) -> Result<Vec<Option<Record>>> {
        // An only group's key is the anchor.
        let mut keys = Cow::Borrowed(anchors);
        if E::SCHEMA.groups.len() > 1 {
            keys = anchors.iter().flat_map(keys_of_groups::<E>).collect();
        }
        keys.iter().try_for_each(|key| self.check_key(key))?;
        self.kv.store().get_many(&keys, options).await.map_err(named::<E>)
    }

    pub(crate) fn decode(&self, id: E::Id, anchor: &Key, records: &[Option<Record>]) -> Result<Option<E>> {
        let locate = |group: &GroupSchema| self.at(&anchor.with_group(group.name));
        decode(id, records, &self.context(&locate)).map_err(|error| *error)
    }

    /// The entity; records that are older than what is written are written back, if the policy says
    /// so.
    pub(super) async fn found(
        &self,
        id: E::Id,
        anchor: &Key,
        records: &[Option<Record>],
    ) -> Result<Option<StoredEntity<E>>> {
        self.shaped(id, anchor, records, self.behind(records), StoredEntity::new).await
    }

    /// What `shape` makes of the entity, once the records that are `behind` are written back.
    async fn shaped<T>(
        &self,
        id: E::Id,
        anchor: &Key,
        records: &[Option<Record>],
        behind: Vec<usize>,
        shape: impl FnOnce(E, &[Option<Record>]) -> T,
    ) -> Result<Option<T>> {
        let Some(entity) = self.decode(id, anchor, records)? else { return Ok(None) };
        if Self::HAS_OLDER_VERSIONS && !behind.is_empty() {
            // Boxed, as it is seldom, and every future of a read would have its size.
            apart(Box::pin(self.write_back(anchor, &entity, records, behind))).await;
        }
        Ok(Some(shape(entity, records)))
    }

    /// The entity of a list, whose anchor is there: migrated in memory, and not written back.
    pub(crate) fn decode_listed<'a>(
        &self,
        id: E::Id,
        records: impl Into<Records<'a>>,
        locate: &dyn Fn(&GroupSchema) -> Box<Location>,
    ) -> Result<E, Box<Error>> {
        decode_present(id, records, &self.context(locate))
    }

    pub(super) fn context<'a>(&'a self, locate: &'a dyn Fn(&GroupSchema) -> Box<Location>) -> Context<'a> {
        let (hook, clock) = (&self.kv.migrations.hook, self.info().clock());
        Context { entity: E::SCHEMA.name, locate, hook, clock }
    }
}
