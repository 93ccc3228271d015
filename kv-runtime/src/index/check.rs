//! Finds and repairs what older programs and expired entities leave.

use kv_store::__private::{coop, parse_entry};
use kv_store::Result;
use kv_store::key::{Key, KeyBuilder};
use kv_store::record::Record;
use kv_store::store::{
    Commit, Condition, Entry, EntryQuery, Expect, GetOptions, IndexStore, ListQuery, StoreExt, Write,
};
use tracing::Instrument;

use super::enter::{Mode, enter, of_entity};
use super::report::IndexReport;
use crate::collection::indexed::{
    IndexState, IndexedType, Of, check_supported, holder_of, named_index_key, named_state_key, state_key,
    state_record,
};
use crate::collection::{Collection, span};
use crate::entity::{IndexSchema, KvEntity};
use crate::list::raw;

/// How many entities or entries are looked at in one commit.
const BATCH: usize = 500;

/// An entry or a claim, and the entity to which it leads.
struct Found {
    key: Key,
    /// The anchor of the entity, if it names one.
    anchor: Key,
    /// The claim that was read, if it is one.
    claim: Option<Record>,
}

impl<E: KvEntity, S: IndexStore> Collection<E, S> {
    /// Compares all indexes with all entities, and repairs them: adds what is missing, and removes
    /// what leads to no entity with the value. Run it after a program without the index has written,
    /// such as after a roll-back, or after a failover that lost writes.
    ///
    /// It works while others read and write, and reads every entity and every entry. It does not
    /// make an index ready, or unready. Two entities with one value of a unique index are reported,
    /// and both stay.
    ///
    /// # Errors
    ///
    /// The store's error if the store fails. What was repaired stays.
    pub async fn check_indexes(&self) -> Result<IndexReport> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids()).finish_prefix();
        let span = span("check_indexes", E::SCHEMA.name(), self.store().name(), &prefix);
        async {
            let mut report = IndexReport::default();
            check_supported(self)?;
            self.sweep_all(&mut report).await?;
            self.enter_all(&prefix, &mut report).await?;
            report.is_ready = self.all_are_ready().await?;
            Ok(report)
        }
        .instrument(span)
        .await
    }

    /// Removes the entries and claims of all indexes that lead to no entity with the value: those of
    /// entities that have expired, and of records that could not be decoded when they were
    /// overwritten. Lookups pass over them, so they cost only room and time.
    ///
    /// # Errors
    ///
    /// The store's error if the store fails. What was removed stays so.
    pub async fn sweep_indexes(&self) -> Result<IndexReport> {
        let prefix = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids()).finish_prefix();
        let span = span("sweep_indexes", E::SCHEMA.name(), self.store().name(), &prefix);
        async {
            let mut report = IndexReport::default();
            check_supported(self)?;
            self.sweep_all(&mut report).await?;
            report.is_ready = self.all_are_ready().await?;
            Ok(report)
        }
        .instrument(span)
        .await
    }

    /// Removes an index of this name with all its entries and claims, whether or not the program
    /// still declares it. Lookups are [`Error::IndexNotReady`](crate::Error::IndexNotReady) from the
    /// beginning of the call. Returns how many entries and claims were removed.
    ///
    /// A program that declares the index goes on to write entries, and
    /// [`build_indexes`](Self::build_indexes) makes it ready again.
    ///
    /// # Errors
    ///
    /// The store's error if the store fails. The next call goes on.
    pub async fn drop_index(&self, name: &str) -> Result<u64> {
        let index = named_index_key::<E>(name);
        let span = span("drop_index", E::SCHEMA.name(), self.store().name(), &index);
        async {
            check_supported(self)?;
            // An index with this state becomes ready only by a build.
            let state = named_state_key::<E>(name);
            let unready = state_record(&IndexState::Building { generation: 0, cursor: None, unfit: 0 })?;
            self.make(vec![Write::Put(state.clone(), unready)]).await?;
            let removed = self.remove_entries(&index).await? + self.remove_claims(&index).await?;
            self.make(vec![Write::Delete(state)]).await?;
            Ok(removed)
        }
        .instrument(span)
        .await
    }

    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        self.store().commit(conditions, writes.into()).await.map_err(of_entity::<E>)
    }

    async fn make(&self, writes: Vec<Write>) -> Result<()> {
        self.commit(Vec::new(), writes).await.map(drop)
    }

    async fn remove_entries(&self, index: &Key) -> Result<u64> {
        let mut removed = 0;
        loop {
            let query = EntryQuery::new(index.clone()).with_limit(BATCH);
            let page = self.store().entries(&query).await.map_err(of_entity::<E>)?;
            let writes: Vec<Write> =
                page.keys().map(|key| Write::RemoveEntry(Key::of_listed_entry(index, key))).collect();
            removed += writes.len() as u64;
            if !writes.is_empty() {
                self.make(writes).await?;
            }
            if page.next.is_none() {
                return Ok(removed);
            }
            coop::yield_now().await;
        }
    }

    async fn remove_claims(&self, index: &Key) -> Result<u64> {
        let (mut removed, mut cursor) = (0, None);
        loop {
            let query = ListQuery::new(index.clone()).with_limit(BATCH).with_cursor(cursor);
            let mut page = self.store().page(&query).await.map_err(of_entity::<E>)?;
            let writes: Vec<Write> =
                page.keys().map(|key| Write::Delete(Key::of_listed_entry(index, key))).collect();
            removed += writes.len() as u64;
            if !writes.is_empty() {
                self.make(writes).await?;
            }
            cursor = page.cursor.take();
            if cursor.is_none() {
                return Ok(removed);
            }
            coop::yield_now().await;
        }
    }

    async fn enter_all(&self, prefix: &Key, report: &mut IndexReport) -> Result<()> {
        let mut cursor = None;
        loop {
            let page = raw::page(self, prefix, cursor, BATCH, ListQuery::MAX_BYTES).await?;
            page.failed.into_iter().for_each(|error| report.unreadable(error));
            let anchors = page.anchors.into_iter().map(|anchor| anchor.key).collect();
            enter(self, anchors, Mode::Repair, report).await?;
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
            coop::yield_now().await;
        }
    }

    async fn sweep_all(&self, report: &mut IndexReport) -> Result<()> {
        for (number, schema) in E::INDEXES.iter().enumerate() {
            if schema.is_unique() {
                self.sweep_claims(number, schema, report).await?;
            } else {
                self.sweep_entries(number, schema, report).await?;
            }
        }
        Ok(())
    }

    async fn sweep_entries(
        &self,
        number: usize,
        schema: &IndexSchema,
        report: &mut IndexReport,
    ) -> Result<()> {
        let index = named_index_key::<E>(schema.name());
        let mut query = EntryQuery::new(index.clone()).with_limit(BATCH);
        loop {
            let page = self.store().entries(&query).await.map_err(of_entity::<E>)?;
            let mut found = Vec::with_capacity(page.len());
            for key in page.keys() {
                if let Some(id) = parse_entry::<E::Id>(key, E::SCHEMA.ids()) {
                    let anchor = self.key_of_id(&id);
                    found.push(Found { key: Key::of_listed_entry(&index, key), anchor, claim: None });
                }
            }
            self.sweep(number, found, report).await?;
            let Some(next) = page.next else { return Ok(()) };
            let to = query.to.clone();
            query = query.with_range(std::ops::Bound::Excluded(next), to);
            coop::yield_now().await;
        }
    }

    async fn sweep_claims(
        &self,
        number: usize,
        schema: &IndexSchema,
        report: &mut IndexReport,
    ) -> Result<()> {
        let of = Of(self.clone());
        let index = named_index_key::<E>(schema.name());
        let mut cursor = None;
        loop {
            let query = ListQuery::new(index.clone()).with_limit(BATCH);
            let mut page = self.store().page(&query.with_cursor(cursor)).await.map_err(of_entity::<E>)?;
            cursor = page.cursor.take();
            let mut found = Vec::new();
            page.for_each(|key, entry| {
                let Entry::Record(claim) = entry else { return };
                let key = Key::of_listed_entry(&index, key);
                // A claim that names nobody may be of newer code.
                if let Ok(anchor) = holder_of(&of, &key, &claim) {
                    found.push(Found { key, anchor, claim: Some(claim) });
                }
            });
            self.sweep(number, found, report).await?;
            if cursor.is_none() {
                return Ok(());
            }
            coop::yield_now().await;
        }
    }

    /// Removes those that lead to no entity with the value, on the condition that it stays so. What
    /// others write meanwhile is left to the next sweep.
    async fn sweep(&self, number: usize, found: Vec<Found>, report: &mut IndexReport) -> Result<()> {
        let of = Of(self.clone());
        let anchors: Vec<Key> = found.iter().map(|found| found.anchor.clone()).collect();
        let (mut conditions, mut writes) = (Vec::new(), Vec::new());
        for (found, records) in found.into_iter().zip(self.records_of_each(&anchors).await?) {
            // What cannot be read may have the value.
            let Ok(records) = records else { continue };
            let Ok(entries) = of.entries(&found.anchor, &records) else { continue };
            let has_anchor = records.first().is_some_and(Option::is_some);
            let is_part = !has_anchor && records.iter().any(Option::is_some);
            if is_part || entries.get(number).cloned().flatten().as_ref() == Some(&found.key) {
                continue;
            }
            conditions.push(self.unchanged_of_indexes(&found.anchor, &records));
            let unchanged = conditions.last_mut();
            writes.push(match found.claim {
                Some(claim) => {
                    let is_same = Condition::new(found.key.clone(), Expect::Revision(claim.revision));
                    unchanged.into_iter().for_each(|all| all.push(is_same.clone()));
                    Write::Delete(found.key)
                }
                None => Write::RemoveEntry(found.key),
            });
        }
        if writes.is_empty() {
            return Ok(());
        }
        if self.commit(conditions.concat(), writes.clone()).await? == Commit::Done {
            report.removed += writes.len() as u64;
            return Ok(());
        }
        for (conditions, write) in conditions.into_iter().zip(writes) {
            if self.commit(conditions, vec![write]).await? == Commit::Done {
                report.removed += 1;
            }
        }
        Ok(())
    }

    async fn all_are_ready(&self) -> Result<bool> {
        for schema in E::INDEXES {
            let state = self.store().get(&state_key::<E>(schema), GetOptions::new()).await;
            let state = super::state::is_ready(schema, state.map_err(of_entity::<E>)?.as_ref());
            if !state {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
