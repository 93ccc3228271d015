//! Deletes: delete, delete_many.

use kv_store::__private::coop::{self, Hold};
use kv_store::key::{Key, Lookup};
use kv_store::store::{Batch, Store, Write};
use kv_store::{BoxFuture, MaybeSend, Result};

use super::indexed::Requires;
use super::write::whole_failure;
use super::{Collection, IdRef, keys_of_groups, named};
use crate::entity::KvEntity;
use crate::heard::Writes;
use crate::small::{Instrument, apart};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Removes the entity with this id, all of its groups. It is not an error if there is none.
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
    /// users.delete(7).await?;
    /// assert_eq!(users.get(7).await?, None);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<()>> + use<'_, E, S> {
        self.delete_at(self.key_for(&id))
    }

    /// As [`delete`](Self::delete), of the entity with this anchor.
    pub(crate) async fn delete_at(&self, key: Key) -> Result<()> {
        let span = self.span("delete", &key);
        async {
            self.check_key(&key)?;
            if const { !E::INDEXES.is_empty() } {
                let writes = self.writes_to_delete(&key);
                let written = Box::pin(self.write_indexed(self.kv.writes(), &key, writes, Requires::Nothing));
                return apart(written).await.map(drop);
            }
            if E::SCHEMA.groups.len() == 1 {
                return self.kv.writes().write(Write::Delete(key).into()).await.map_err(named::<E>);
            }
            apart(self.delete_anchors_first(self.kv.writes(), &[key])).await
        }
        .instrument(span)
        .await
    }

    /// Removes the entities with these ids, in batches as large as the store allows. It yields to
    /// other tasks after each batch.
    ///
    /// # Errors
    ///
    /// [`Error::Partial`](crate::Error::Partial) says how many of the ids were done.
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
    /// users.put_many((1..=3).map(|id| User { id, name: format!("user {id}") })).await?;
    /// users.delete_many([1, 2]).await?;
    /// assert_eq!(users.list().page().await?.entities.len(), 1);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_many<'a, I>(&'a self, ids: I) -> BoxFuture<'a, Result<()>>
    where
        I: IntoIterator<IntoIter: MaybeSend + 'a>,
        I::Item: Lookup<E::Id>,
    {
        let mut ids = ids.into_iter();
        let span = self.span_many("delete_many", &ids);
        let deleting = async move {
            let batch = Self::entities_in(self.info().capabilities().limits.batch_write);
            let (mut deleted, mut hold) = (0, Hold::begin());
            loop {
                let anchors: Vec<Key> = ids.by_ref().take(batch).map(|id| self.key_for(&id)).collect();
                let Some(first) = anchors.first() else { return Ok(()) };
                hold.yield_at_batch(anchors.len()).await;
                let done = anchors.iter().try_for_each(|anchor| self.check_key(anchor));
                let done = match done {
                    Ok(()) if const { !E::INDEXES.is_empty() } => {
                        apart(Box::pin(self.delete_many_indexed(&anchors))).await
                    }
                    Ok(()) => self.delete_anchors_first(self.kv.writes(), &anchors).await,
                    refused => refused,
                };
                done.map_err(|error| self.partial(first, deleted, anchors.len(), error))?;
                deleted += anchors.len();
                coop::yield_now().await;
            }
        };
        Box::pin(deleting.instrument(span))
    }

    pub(super) async fn delete_anchors_first(&self, writes: Writes<'_, S>, anchors: &[Key]) -> Result<()> {
        if self.info().capabilities().atomic_batches || E::SCHEMA.groups.len() == 1 {
            let keys = anchors.iter().flat_map(keys_of_groups::<E>);
            return writes
                .write(Batch::deletes(keys))
                .await
                .map_err(|error| named::<E>(whole_failure(error)));
        }
        writes
            .write(Batch::deletes(anchors.iter().cloned()))
            .await
            .map_err(|error| named::<E>(whole_failure(error)))?;
        let others = anchors.iter().flat_map(|anchor| keys_of_groups::<E>(anchor).skip(1));
        writes.write(Batch::deletes(others)).await.map_err(|error| named::<E>(whole_failure(error)))
    }
}
