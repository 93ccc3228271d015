//! Keys and records by themselves, for an application that writes its own commits.

use kv_store::key::Key;
use kv_store::record::{NewRecord, Record};
use kv_store::store::Store;
use kv_store::{Error, Result};

use super::{Collection, IdRef, keys_of_groups};
use crate::entity::KvEntity;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the key of the entity's first group, which decides whether the entity exists.
    /// [`Key::group`] names the group.
    ///
    /// With this method and [`records_of`](Self::records_of), an application can commit records of
    /// several entities at once:
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity};
    /// use kv_runtime::store::{Commit, Condition, Expect, MemoryStore, Store, Write};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "order")]
    /// # struct Order { #[kv(id)] id: u64, total: u64 }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let kv = Kv::new(MemoryStore::new());
    /// let orders = kv.collection::<Order>();
    /// let absent = vec![Condition::new(orders.key(7), Expect::Absent)];
    /// let mut writes = Vec::new();
    /// for (key, record) in orders.records_of(&Order { id: 7, total: 3 })? {
    ///     writes.push(Write::Put(key, record));
    /// }
    /// assert_eq!(kv.store().commit(absent, writes.into()).await?, Commit::Done);
    /// assert_eq!(orders.get(7).await?.map(|order| order.total), Some(3));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn key(&self, id: IdRef<'_, E>) -> Key {
        self.key_for(&id)
    }

    /// Returns the keys of all groups of an entity, in the order of the schema: the first group's
    /// is [`key`](Self::key).
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
    /// let keys = users.keys(7);
    /// assert_eq!(keys[0].as_str(), "user:7");
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keys(&self, id: IdRef<'_, E>) -> Vec<Key> {
        keys_of_groups::<E>(&self.key_for(&id)).collect()
    }

    /// Encodes an entity as [`put`](Self::put) does: one record for each group with its key, the
    /// first group's first. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode) if a value could not be read back,
    /// [`Error::Unsupported`](crate::Error::Unsupported) for an entity with indexes, whose entries
    /// such a commit would miss, and the errors of the store's limits.
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
    /// let records = users.records_of(&User { id: 7, name: "Ada".to_owned() })?;
    /// let (key, record) = &records[0];
    /// assert_eq!((key.as_str(), &*record.value), ("user:7", br#"{"name":"Ada"}"#.as_slice()));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn records_of(&self, entity: &E) -> Result<Vec<(Key, NewRecord)>> {
        if const { !E::INDEXES.is_empty() } {
            let capability = "records of an entity with indexes: a commit of your own would write no entries; use `transact`";
            return Err(Error::Unsupported { at: self.at(&self.key_of(entity)), capability });
        }
        let mut records = self.new_records(&self.key_of(entity), entity)?;
        records.reverse();
        Ok(records)
    }

    /// Decodes an entity from the records of its groups, in the order of [`keys`](Self::keys): an
    /// older version is migrated in memory. Returns `None` if the first is absent. Nothing is
    /// read from the store or written back.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get) about a record that is there:
    /// [`Error::Decode`](crate::Error::Decode), [`Error::TooNew`](crate::Error::TooNew),
    /// [`Error::Incomplete`](crate::Error::Incomplete) and the like.
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
    /// use kv_runtime::store::{GetOptions, Store};
    ///
    /// users.put(&User { id: 7, name: "Ada".to_owned() }).await?;
    /// let records = users.store().get_many(&users.keys(7), GetOptions::new()).await?;
    /// assert_eq!(users.entity_of(7, &records)?.map(|user| user.name).as_deref(), Some("Ada"));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entity_of(&self, id: IdRef<'_, E>, records: &[Option<Record>]) -> Result<Option<E>> {
        let (key, id) = self.key_and_id(id);
        self.entity_at(id, &key, records)
    }
}
