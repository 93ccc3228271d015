//! How large the indexes of a collection are, and how much of them is garbage.

use std::fmt;

use kv_store::__private::coop;
use kv_store::Result;
use kv_store::key::{Key, KeyBuilder};
use kv_store::store::IndexStore;

use super::state::ready_states;
use super::walk::{Found, Walk};
use crate::collection::indexed::{Of, check_supported};
use crate::collection::{Collection, span};
use crate::entity::KvEntity;
use crate::small::Instrument;

/// How large an index is: [`Collection::census_indexes`]. `Display` is a line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexCensus {
    /// The name of the index.
    pub name: &'static str,
    /// Whether it can be looked up.
    pub is_ready: bool,
    /// Entries, or claims of a unique index. Garbage is among them.
    pub entries: u64,
    /// Entries that lead to no entity with the value, such as those of entities that have expired.
    /// [`Collection::sweep_indexes`] removes them.
    pub garbage: u64,
    /// The bytes of all entries: of their keys, and of the values of claims. What the store itself
    /// needs for each key comes on top.
    pub bytes: u64,
}

impl<E: KvEntity, S: IndexStore> Collection<E, S> {
    /// Counts the entries of each index, and those that lead to no entity with the value. It reads
    /// every entry and the entity to which it leads, page by page, and writes nothing.
    ///
    /// Writes that are made meanwhile may be counted or not.
    ///
    /// # Errors
    ///
    /// The store's error if the store fails.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     #[kv(unique)]
    /// #     email: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put(&User { id: 7, email: "ada@example.com".to_owned() }).await?;
    /// let census = users.census_indexes().await?;
    /// assert_eq!((census[0].name, census[0].entries, census[0].garbage), ("email", 1, 0));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn census_indexes(&self) -> Result<Vec<IndexCensus>> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("census_indexes", E::SCHEMA.name, self.info().name(), &prefix);
        async {
            check_supported(self)?;
            let states = ready_states(self).await?;
            let mut census = Vec::with_capacity(E::INDEXES.len());
            for (number, (schema, is_ready)) in E::INDEXES.iter().zip(states).enumerate() {
                let name = schema.name;
                let mut one = IndexCensus { name, is_ready, entries: 0, garbage: 0, bytes: 0 };
                let mut walk = Walk::new(self, schema);
                while let Some(found) = walk.page().await? {
                    self.count_entries(number, &found, &mut one).await?;
                    coop::yield_now().await;
                }
                census.push(one);
            }
            Ok(census)
        }
        .instrument(span)
        .await
    }

    async fn count_entries(&self, number: usize, found: &[Found], census: &mut IndexCensus) -> Result<()> {
        let of = Of(self.clone());
        let bytes = |it: &Found| it.key.len() + it.claim.as_ref().map_or(0, |claim| claim.value.len());
        census.entries += found.len() as u64;
        census.bytes += found.iter().map(bytes).sum::<usize>() as u64;
        let named: Vec<&Found> = found.iter().filter(|it| it.anchor.is_some()).collect();
        let anchors: Vec<Key> = named.iter().filter_map(|it| it.anchor.clone()).collect();
        for (found, records) in named.into_iter().zip(self.records_of_each(&anchors).await?) {
            let is_astray = records.is_ok_and(|records| found.is_astray(&of, number, &records));
            census.garbage += u64::from(is_astray);
        }
        Ok(())
    }
}

impl fmt::Display for IndexCensus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_ready { "ready" } else { "not ready" };
        let Self { name, entries, garbage, bytes, .. } = self;
        write!(f, "{name:<16} {state:<9} {entries:>10} entries {garbage:>10} garbage {bytes:>12} bytes")
    }
}
