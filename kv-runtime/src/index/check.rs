//! Finds and repairs what older programs and expired entities leave.

use kv_store::__private::coop;
use kv_store::key::{Key, KeyBuilder};
use kv_store::store::{Commit, Condition, Expect, IndexStore, ListQuery, StoreExt, Write};
use kv_store::{Error, Result};

use super::enter::{Mode, enter, of_entity};
use super::report::IndexReport;
use super::state::ready_states;
use super::walk::{Found, Walk, batch_of};
use crate::collection::indexed::{
    IndexState, Of, by_scope, check_supported, named_index_key, named_state_key, state_record,
};
use crate::collection::{Collection, span};
use crate::entity::KvEntity;
use crate::list::raw;
use crate::small::Instrument;

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
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("check_indexes", E::SCHEMA.name, self.info().name(), &prefix);
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
        let prefix = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids).finish_prefix();
        let span = span("sweep_indexes", E::SCHEMA.name, self.info().name(), &prefix);
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
    /// [`Error::InvalidOptions`](crate::Error::InvalidOptions) if no index can have this name. The
    /// store's error if the store fails. The next call goes on.
    pub async fn drop_index(&self, name: &str) -> Result<u64> {
        let index = named_index_key::<E>(name);
        let span = span("drop_index", E::SCHEMA.name, self.info().name(), &index);
        async {
            check_supported(self)?;
            if !is_name(name) {
                // It would be the beginning of entries of another index, or of all states.
                let what = "no index has such a name: it has lower-case letters and digits of ASCII, and `_`";
                return Err(Error::InvalidOptions { at: self.at(&index), what: what.into() });
            }
            // An index with this state becomes ready only by a build.
            let state = named_state_key::<E>(name);
            let unready = state_record(&IndexState::Building { generation: 0, cursor: None, unfit: 0 })?;
            self.make(vec![Write::Put(state.clone(), unready)]).await?;
            let entries = self.remove_all(Walk::entries(self, name)).await?;
            let removed = entries + self.remove_all(Walk::claims(self, name)).await?;
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

    /// Removes all that a walk finds, and returns how many that were.
    async fn remove_all(&self, mut walk: Walk<'_, E, S>) -> Result<u64> {
        let scope = self.store().capabilities().limits.commit_scope;
        let mut removed = 0;
        while let Some(found) = walk.page().await? {
            for found in by_scope(scope, found, |found| &found.key) {
                removed += found.len() as u64;
                self.make(found.into_iter().map(|found| walk.removal(found.key)).collect()).await?;
            }
            coop::yield_now().await;
        }
        Ok(removed)
    }

    async fn enter_all(&self, prefix: &Key, report: &mut IndexReport) -> Result<()> {
        let mut cursor = None;
        loop {
            let page = raw::page(self, prefix, cursor, batch_of(self), ListQuery::MAX_BYTES).await?;
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
            let mut walk = Walk::new(self, schema);
            while let Some(found) = walk.page().await? {
                self.sweep(number, found, report).await?;
                coop::yield_now().await;
            }
        }
        Ok(())
    }

    /// Removes those that lead to no entity with the value, on the condition that it stays so. What
    /// others write meanwhile is left to the next sweep.
    async fn sweep(&self, number: usize, found: Vec<Found>, report: &mut IndexReport) -> Result<()> {
        let of = Of(self.clone());
        let (found, anchors): (Vec<Found>, Vec<Key>) = found
            .into_iter()
            .filter_map(|found| {
                let anchor = found.anchor.clone()?;
                Some((found, anchor))
            })
            .unzip();
        let mut removals: Vec<(Write, Vec<Condition>)> = Vec::new();
        let records = self.records_of_each(&anchors).await?;
        for ((found, anchor), records) in found.into_iter().zip(&anchors).zip(records) {
            // What cannot be read may have the value.
            let Ok(records) = records else { continue };
            if !found.is_astray(&of, number, &records) {
                continue;
            }
            let mut unchanged = self.unchanged_of_indexes(anchor, &records);
            let removal = match found.claim {
                Some(claim) => {
                    let revision = Expect::Revision(claim.revision);
                    unchanged.push(Condition::new(found.key.clone(), revision));
                    Write::Delete(found.key)
                }
                None => Write::RemoveEntry(found.key),
            };
            removals.push((removal, unchanged));
        }
        let scope = self.store().capabilities().limits.commit_scope;
        for removals in by_scope(scope, removals, |(removal, _)| removal.key()) {
            report.removed += self.remove_astray(removals).await?;
        }
        Ok(())
    }

    /// Makes these removals, together or those whose conditions hold, and returns how many were made.
    async fn remove_astray(&self, removals: Vec<(Write, Vec<Condition>)>) -> Result<u64> {
        let (writes, conditions): (Vec<Write>, Vec<Vec<Condition>>) = removals.into_iter().unzip();
        if self.commit(conditions.concat(), writes.clone()).await? == Commit::Done {
            return Ok(writes.len() as u64);
        }
        let mut removed = 0;
        for (conditions, write) in conditions.into_iter().zip(writes) {
            removed += u64::from(self.commit(conditions, vec![write]).await? == Commit::Done);
        }
        Ok(removed)
    }

    async fn all_are_ready(&self) -> Result<bool> {
        Ok(ready_states(self).await?.into_iter().all(|is_ready| is_ready))
    }
}

/// Returns whether the derive takes this as the name of an index.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
