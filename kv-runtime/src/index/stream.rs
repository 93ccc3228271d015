//! Streams over the pages of an index.

use kv_store::index::IndexKey;
use kv_store::store::IndexStore;

use super::builder::{ByIndex, ByIndexIds, Lookup};
use crate::entity::KvEntity;
use crate::list::{IdStream, ListStream};

impl<E: KvEntity, S: IndexStore, V: IndexKey> ByIndex<E, S, V> {
    /// Returns all entities from the cursor on, fetched page by page.
    ///
    /// An entity that cannot be read is an `Err` and the stream goes on; if the store fails, that
    /// error is the last item. If the consumer gives an entity another value of the index, the
    /// stream may return it again.
    #[must_use]
    pub fn stream(self) -> ListStream<E> {
        let lookup = self.lookup;
        ListStream::of_pages(lookup.limit, lookup.cursor.clone(), move |cursor, limit| {
            let lookup = Lookup { cursor, limit: Some(limit), ..lookup.clone() };
            async move {
                let page = lookup.page().await?;
                let failed = page.failed.into_iter().map(Err);
                Ok((page.entities.into_iter().map(Ok).chain(failed).collect::<Vec<_>>(), page.cursor))
            }
        })
    }
}

impl<E: KvEntity, S: IndexStore> ByIndexIds<E, S> {
    /// Returns all ids from the cursor on, as [`ByIndex::stream`] does.
    #[must_use]
    pub fn stream(self) -> IdStream<E::Id> {
        let lookup = self.0;
        IdStream::of_pages(lookup.limit, lookup.cursor.clone(), move |cursor, limit| {
            let lookup = Lookup { cursor, limit: Some(limit), ..lookup.clone() };
            async move {
                let page = ByIndexIds(lookup).page().await?;
                Ok((page.ids.into_iter().map(Ok).collect(), page.cursor))
            }
        })
    }
}
