//! Reads: they need no more than a [`Store`], and write nothing but what they had to migrate.

use tracing::Instrument;

use super::write_back::is_behind;
use super::{Collection, Context, Records, decode, decode_present, groups, keys_of_groups, named};
use crate::entity::{GroupSchema, KvEntity};
use crate::error::{Location, Result};
use crate::key::{Key, Lookup};
use crate::record::Record;
use crate::store::Store;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// The entity with this id, or nothing.
    ///
    /// All groups are read with one batch. An entity whose anchor is there without a required group is
    /// [`Error::Incomplete`](crate::Error::Incomplete).
    ///
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
    pub async fn get<L: Lookup<E::Id>>(&self, id: L) -> Result<Option<E>> {
        let key = self.key(&id);
        let id = id.into_id();
        let span = self.span("get", &key);
        async {
            if groups::<E>().len() == 1 {
                let records = [self.record(&key).await?];
                return self.decode_and_write_back(id, &key, &records).await;
            }
            let records = self.records(&key).await?;
            self.decode_and_write_back(id, &key, &records).await
        }
        .instrument(span)
        .await
    }

    /// The entities with these ids: as many answers, in the same order. Read in batches as large as the store takes.
    pub async fn get_many<I>(&self, ids: I) -> Result<Vec<Option<E>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let (anchors, ids): (Vec<Key>, Vec<E::Id>) =
            ids.into_iter().map(|id| (self.key(&id), id.into_id())).unzip();
        self.get_all(anchors, ids).instrument(self.span_many("get_many")).await
    }

    /// Whether there is an entity with this id: whether its anchor is there.
    pub async fn exists<L: Lookup<E::Id>>(&self, id: L) -> Result<bool> {
        let key = self.key(&id);
        let span = self.span("exists", &key);
        async {
            self.check_key(&key)?;
            Ok(self.store().head(&key).await.map_err(named::<E>)?.is_some())
        }
        .instrument(span)
        .await
    }

    async fn get_all(&self, anchors: Vec<Key>, ids: Vec<E::Id>) -> Result<Vec<Option<E>>> {
        let groups = groups::<E>().len();
        let mut found = Vec::with_capacity(ids.len());
        let mut ids = ids.into_iter();
        let batch = (self.store().capabilities().limits.batch_read / groups).max(1);
        for anchors in anchors.chunks(batch) {
            let mut keys = Vec::with_capacity(anchors.len() * groups);
            for anchor in anchors {
                self.check_key(anchor)?;
                keys.extend(keys_of_groups::<E>(anchor));
            }
            let records = self.store().get_many(&keys).await.map_err(named::<E>)?;
            for ((anchor, records), id) in anchors.iter().zip(records.chunks(groups)).zip(ids.by_ref()) {
                found.push(self.decode_and_write_back(id, anchor, records).await?);
            }
        }
        Ok(found)
    }

    /// The record of an entity's only group.
    pub(super) async fn record(&self, key: &Key) -> Result<Option<Record>> {
        self.check_key(key)?;
        self.store().get(key).await.map_err(named::<E>)
    }

    /// The records of all groups, in the schema's order, read with one batch.
    pub(crate) async fn records(&self, anchor: &Key) -> Result<Vec<Option<Record>>> {
        let keys = self.checked_keys(anchor)?;
        self.store().get_many(&keys).await.map_err(named::<E>)
    }

    /// The same, for a change: with the moments of expiry, if a field of the entity may set another one.
    pub(super) async fn records_to_change(&self, anchor: &Key) -> Result<Vec<Option<Record>>> {
        if !E::EXPIRES_BY_FIELD {
            return self.records(anchor).await;
        }
        let keys = self.checked_keys(anchor)?;
        self.store().get_many_with_expiry(&keys).await.map_err(named::<E>)
    }

    fn checked_keys(&self, anchor: &Key) -> Result<Vec<Key>> {
        let keys: Vec<Key> = keys_of_groups::<E>(anchor).collect();
        keys.iter().try_for_each(|key| self.check_key(key))?;
        Ok(keys)
    }

    pub(crate) fn decode(&self, id: E::Id, anchor: &Key, records: &[Option<Record>]) -> Result<Option<E>> {
        let locate = |group: &GroupSchema| self.at(&anchor.with_group(group.name()));
        decode(id, records, &Context { entity: E::SCHEMA.name(), locate: &locate, hook: self.kv.hook() })
    }

    /// The entity; records that are older than what is written are written back, if the policy says so.
    async fn decode_and_write_back(
        &self,
        id: E::Id,
        anchor: &Key,
        records: &[Option<Record>],
    ) -> Result<Option<E>> {
        let entity = self.decode(id, anchor, records)?;
        if let Some(entity) = &entity
            && is_behind::<E>(records)
        {
            self.write_back(anchor, entity, records).await;
        }
        Ok(entity)
    }

    /// The entity of a list, whose anchor is there: migrated in memory, and not written back.
    pub(crate) fn decode_listed<'a>(
        &self,
        id: E::Id,
        records: impl Into<Records<'a>>,
        locate: &dyn Fn(&GroupSchema) -> Box<Location>,
    ) -> Result<E> {
        decode_present(id, records, &Context { entity: E::SCHEMA.name(), locate, hook: self.kv.hook() })
    }
}
