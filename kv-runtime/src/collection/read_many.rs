//! Reads of many entities: a batch after the other, as large as the store allows.

use kv_store::__private::coop::Hold;
use kv_store::key::{Key, Lookup};
use kv_store::store::{GetOptions, Store};
use kv_store::{BoxFuture, Result};

use super::Collection;
use super::read::StoredEntity;
use crate::entity::KvEntity;
use crate::small::Instrument;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns one answer for each id, in the order of the ids: the entity, or `None`.
    ///
    /// Reads in batches as large as the store allows. It yields to other tasks every few
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get). One entity that cannot be read fails the call;
    /// [`get_each`](Self::get_each) returns the others.
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
    /// let ada = User { id: 7, name: "Ada".to_owned() };
    /// users.put(&ada).await?;
    /// assert_eq!(users.get_many([7, 8]).await?, [Some(ada), None]);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_many<I>(&self, ids: I) -> BoxFuture<'_, Result<Vec<Option<E>>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let ids: Vec<E::Id> = ids.into_iter().map(Lookup::into_id).collect();
        Box::pin(async move {
            let span = self.span_many("get_many", &ids.iter());
            let mut all = Vec::with_capacity(ids.len());
            let add = |found: Result<Option<StoredEntity<E>>>| {
                all.push(found?.map(|found| found.entity));
                Ok(())
            };
            self.look_all(self.with_keys(ids), GetOptions::new(), add).instrument(span).await?;
            Ok(all)
        })
    }

    /// Returns one answer for each id, in the order of the ids: the entity, `None`, or the error of an
    /// entity that cannot be read. So one bad record does not hide the others, as in
    /// [`Page::failed`](crate::Page::failed).
    ///
    /// # Errors
    ///
    /// The store's errors, and those of an id that the store does not take. These fail the call.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # use kv_runtime::{key::Key, record::NewRecord, store::StoreExt};
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
    /// users.store().put(Key::from_text("user:8"), NewRecord::plain("no JSON")).await?;
    /// let found = users.get_each([7, 8, 9]).await?;
    /// assert!(matches!(found.as_slice(), [Ok(Some(_)), Err(_), Ok(None)]));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_each<I>(&self, ids: I) -> BoxFuture<'_, Result<Vec<Result<Option<E>>>>>
    where
        I: IntoIterator,
        I::Item: Lookup<E::Id>,
    {
        let ids: Vec<E::Id> = ids.into_iter().map(Lookup::into_id).collect();
        Box::pin(async move {
            let span = self.span_many("get_each", &ids.iter());
            let mut all = Vec::with_capacity(ids.len());
            let add = |found: Result<Option<StoredEntity<E>>>| {
                all.push(found.map(|found| found.map(|found| found.entity)));
                Ok(())
            };
            self.look_all(self.with_keys(ids), GetOptions::new(), add).instrument(span).await?;
            Ok(all)
        })
    }

    /// The entities under these keys, and when they expire.
    #[allow(dead_code, reason = "used by the cache alone, which is a feature")]
    pub(crate) async fn find_all(
        &self,
        anchors: Vec<Key>,
        ids: Vec<E::Id>,
    ) -> Result<Vec<Result<Option<StoredEntity<E>>>>> {
        let mut all = Vec::with_capacity(ids.len());
        let add = |found| {
            all.push(found);
            Ok(())
        };
        self.look_all(anchors.into_iter().zip(ids), GetOptions::new().with_expiry(), add).await?;
        Ok(all)
    }

    /// Makes the key of each id when it is asked for.
    fn with_keys(&self, ids: Vec<E::Id>) -> impl ExactSizeIterator<Item = (Key, E::Id)> {
        ids.into_iter().map(|id| (self.key_of_id(&id), id))
    }

    /// Passes on the entities under these keys in their order, or the errors of those that cannot
    /// be read.
    async fn look_all(
        &self,
        mut keys: impl ExactSizeIterator<Item = (Key, E::Id)>,
        options: GetOptions,
        mut each: impl FnMut(Result<Option<StoredEntity<E>>>) -> Result<()>,
    ) -> Result<()> {
        let groups = E::SCHEMA.groups.len();
        let batch = Self::entities_in(self.info().capabilities().limits.batch_read);
        let mut hold = Hold::begin();
        while keys.len() > 0 {
            let room = batch.min(keys.len());
            let (mut anchors, mut ids) = (Vec::with_capacity(room), Vec::with_capacity(room));
            for (anchor, id) in keys.by_ref().take(batch) {
                hold.yield_after(anchor.len()).await;
                anchors.push(anchor);
                ids.push(id);
            }
            hold.yield_at_batch(anchors.len()).await;
            let records = match self.records(&anchors, options).await {
                Ok(records) => records,
                Err(error) if error.is_of_a_read() => {
                    let records = self.records_of_each_with(&anchors, options).await?;
                    for ((anchor, records), id) in anchors.iter().zip(records).zip(ids) {
                        each(match records {
                            Ok(records) => self.found(id, anchor, &records).await,
                            Err(error) => Err(error),
                        })?;
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            for ((anchor, records), id) in anchors.iter().zip(records.chunks(groups)).zip(ids) {
                each(self.found(id, anchor, records).await)?;
                hold.yield_after(records.iter().flatten().map(|record| record.value.len()).sum()).await;
            }
        }
        Ok(())
    }
}
