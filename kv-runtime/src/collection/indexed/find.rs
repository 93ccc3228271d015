//! Entities to which entries lead.

use kv_store::index::IndexParts;
use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{ClaimQuery, Commit, GetOptions, Store};
use kv_store::{Error, Result};

use super::super::{Collection, keys_of_groups, named};
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
        ClaimQuery::new(claim.clone(), also.clone())
            .with_groups(E::SCHEMA.groups.iter().map(GroupSchema::name))
    }

    /// Reads the entities to which entries lead, and calls `each` for every entry: with the entity, or
    /// nothing if it has not the values of the entry, and the number of bytes that were read. Returns
    /// the record under a further key, which is read at the same moment as the last of them or later.
    ///
    /// Older records are migrated in memory and not written back.
    pub(crate) async fn find_all_entered(
        &self,
        entries: &[EntryOf<'_, E::Id>],
        number: usize,
        also: &Key,
        mut each: impl FnMut(Result<Option<E>>, usize),
    ) -> Result<Option<Record>> {
        let group = E::INDEXES.get(number).map(IndexSchema::group);
        let mut parts = IndexParts::new();
        let mut find = |entry: &EntryOf<'_, E::Id>, anchor: &Key, records: Result<&[Option<Record>]>| {
            let records = match records {
                Ok(records) => records,
                Err(error) => return each(Err(error), 0),
            };
            let bytes = records.iter().flatten().map(|record| record.value.len()).sum();
            let is_there = group.is_some_and(|group| records.get(group).is_some_and(Option::is_some));
            let entity = self.decode(entry.id.clone(), anchor, records);
            each(
                entity.map(|entity| {
                    parts.clear();
                    entity.filter(|entity| {
                        entity.write_index(number, &mut parts);
                        is_there && entry.has(&parts, E::SCHEMA.ids.len())
                    })
                }),
                bytes,
            );
        };
        // The anchor of each entity comes first among its keys.
        let groups = E::SCHEMA.groups.len().max(1);
        let mut keys = Vec::with_capacity(entries.len() * groups + 1);
        for entry in entries {
            let anchor = self.key_of_id(&entry.id);
            match groups {
                1 => keys.push(anchor),
                _ => keys.extend(keys_of_groups::<E>(&anchor)),
            }
        }
        keys.push(also.clone());
        if let Some((records, also)) = self.records_and(&keys).await? {
            let anchors = keys.iter().step_by(groups);
            for ((entry, anchor), records) in entries.iter().zip(anchors).zip(records.chunks(groups)) {
                find(entry, anchor, Ok(records));
            }
            return Ok(also);
        }
        let anchors: Vec<Key> = keys.into_iter().step_by(groups).take(entries.len()).collect();
        let read = self.records_of_each(&anchors).await?;
        for ((entry, anchor), records) in entries.iter().zip(&anchors).zip(read) {
            find(entry, anchor, records.as_deref().map_err(Error::clone));
        }
        self.store().get(also, GetOptions::new()).await.map_err(named::<E>)
    }

    /// Reads the records of entities and the one under the last key in one call. Returns `None` if
    /// that are too many, or if one cannot be read.
    async fn records_and(&self, keys: &[Key]) -> Result<Option<(Vec<Option<Record>>, Option<Record>)>> {
        if keys.len() > self.info().capabilities().limits.batch_read {
            return Ok(None);
        }
        let read = self.store().get_many(keys, GetOptions::new()).await.map_err(named::<E>);
        let adopted = read.and_then(|mut records| {
            let also = records.pop().flatten();
            self.adopt_all(keys.iter().step_by(E::SCHEMA.groups.len().max(1)), &mut records)?;
            Ok((records, also))
        });
        match adopted {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_of_a_record() => Ok(None),
            Err(error) => Err(error),
        }
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
        Box::pin(self.commit_indexed(self.kv.writes(), anchor, &records, conditions, writes)).await.map(Some)
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
