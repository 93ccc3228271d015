//! Entities to which entries lead.

use kv_store::index::IndexParts;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{ClaimQuery, Commit, GetOptions, Store};
use kv_store::{Error, Result};

use super::super::{Collection, groups};
use super::typed::{IndexedType, Of, entry_of, id_of};
use crate::entity::{GroupSchema, IndexSchema, KvEntity};

/// An entry of an index that is not unique.
pub(crate) struct EntryOf<'a, Id> {
    /// Its key behind what the keys of all entries of the index begin with: the values and the id.
    pub(crate) values_and_id: &'a str,
    pub(crate) id: Id,
}

impl<Id> EntryOf<'_, Id> {
    /// Whether these are its values, and nothing but the id is behind them. An older definition of
    /// the index may have had more fields.
    fn has(&self, values: &IndexParts, ids: usize) -> bool {
        let is_without_entry = values.len() == 1 && values.is_missing();
        let ends = |id: &str| id.bytes().filter(|byte| *byte == b'!').count();
        let id = self.values_and_id.strip_prefix(values.as_str());
        !is_without_entry && id.is_some_and(|id| ends(id) == ids)
    }
}

/// An entity, and the key under which it is entered in an index.
pub(crate) type Entered<E> = Result<Option<(E, Option<Key>)>>;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entity with this anchor, and the key under which it is entered in an index. Its
    /// records may have been read already.
    pub(crate) async fn find_entered(
        &self,
        anchor: &Key,
        number: usize,
        records: Option<Vec<Option<Record>>>,
    ) -> Entered<E> {
        let Some(id) = id_of::<E>(anchor) else { return Ok(None) };
        let shape = |entity, records: &[Option<Record>]| {
            let entry = entered(&entity, records, number);
            (entity, entry)
        };
        match records {
            Some(mut records) => {
                self.adopt_all(std::slice::from_ref(anchor), &mut records)?;
                self.look_at(id, anchor, &records, shape).await
            }
            None => self.look(id, anchor, GetOptions::new(), shape).await,
        }
    }

    /// Returns a query for a claim and the records of the entity that it names.
    pub(crate) fn claim_query(claim: &Key, also: &Key) -> ClaimQuery {
        ClaimQuery::new(claim.clone(), also.clone()).with_groups(groups::<E>().iter().map(GroupSchema::name))
    }

    /// Returns the entities with these anchors that have the values of their entries, each with the
    /// number of bytes that were read, and the record under a further key. Older records are migrated
    /// in memory and not written back.
    pub(crate) async fn find_all_entered(
        &self,
        entries: &[EntryOf<'_, E::Id>],
        anchors: &[Key],
        number: usize,
        also: &Key,
    ) -> Result<(Vec<(Result<Option<E>>, usize)>, Option<Record>)> {
        let (read, also) = self.records_of_each_and(anchors, also).await?;
        let group = E::INDEXES.get(number).map(IndexSchema::group);
        let mut parts = IndexParts::new();
        let found = entries.iter().zip(anchors).zip(read).map(|((entry, anchor), records)| {
            let records = match records {
                Ok(records) => records,
                Err(error) => return (Err(error), 0),
            };
            let bytes = records.iter().flatten().map(|record| record.value.len()).sum();
            let is_there = group.is_some_and(|group| records.get(group).is_some_and(Option::is_some));
            let entity = self.decode(entry.id.clone(), anchor, &records).map(|entity| {
                parts.clear();
                entity.filter(|entity| {
                    entity.write_index(number, &mut parts);
                    is_there && entry.has(&parts, E::SCHEMA.ids().len())
                })
            });
            (entity, bytes)
        });
        Ok((found.collect(), also))
    }

    /// Deletes the entity if it still has the value of this claim. Returns `None` if it has not.
    pub(crate) async fn delete_holder(
        &self,
        anchor: &Key,
        number: usize,
        claim: &Key,
    ) -> Result<Option<Commit>> {
        let records = self.records(std::slice::from_ref(anchor), GetOptions::new()).await?;
        let entries = Of(self.clone()).entries(anchor, &records)?;
        if entries.get(number).cloned().flatten().as_ref() != Some(claim) {
            return Ok(None);
        }
        let conditions = self.unchanged_of_indexes(anchor, &records);
        let writes = self.writes_to_delete(anchor);
        Box::pin(self.commit_indexed(self.writes(), anchor, &records, conditions, writes)).await.map(Some)
    }

    /// Makes the indexes of an empty collection ready, also if this was tried before.
    pub(crate) async fn make_ready_again(&self) -> Result<(), Error> {
        Box::pin(self.make_fresh_ready()).await
    }
}

/// The key under which an entity with these records is entered. An absent group has no entry.
fn entered<E: KvEntity>(entity: &E, records: &[Option<Record>], number: usize) -> Option<Key> {
    let group = E::INDEXES.get(number)?.group();
    records.get(group)?.as_ref()?;
    entry_of(entity, number)
}
