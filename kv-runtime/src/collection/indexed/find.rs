//! Entities to which entries lead.

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Commit, GetOptions, Store};
use kv_store::{Error, Result};

use super::super::Collection;
use super::typed::{IndexedType, Of, entry_of, id_of};
use crate::entity::KvEntity;

/// An entity, and the key under which it is entered in an index.
pub(crate) type Entered<E> = Result<Option<(E, Option<Key>)>>;

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entity with this anchor, and the key under which it is entered in an index.
    pub(crate) async fn find_entered(&self, anchor: &Key, number: usize) -> Entered<E> {
        let Some(id) = id_of::<E>(anchor) else { return Ok(None) };
        self.look(id, anchor, GetOptions::new(), |entity, records| {
            let entry = entered(&entity, records, number);
            (entity, entry)
        })
        .await
    }

    /// Returns the same as [`find_entered`](Self::find_entered) for many anchors, each with the number
    /// of bytes that were read, and the record under a further key. Older records are migrated in
    /// memory and not written back.
    pub(crate) async fn find_all_entered(
        &self,
        anchors: &[Key],
        number: usize,
        also: &Key,
    ) -> Result<(Vec<(Entered<E>, usize)>, Option<Record>)> {
        let (read, also) = self.records_of_each_and(anchors, also).await?;
        let found = anchors.iter().zip(read).map(|(anchor, records)| {
            let records = match records {
                Ok(records) => records,
                Err(error) => return (Err(error), 0),
            };
            let bytes = records.iter().flatten().map(|record| record.value.len()).sum();
            let Some(id) = id_of::<E>(anchor) else { return (Ok(None), bytes) };
            let entity = self.decode(id, anchor, &records).map(|entity| {
                let entity = entity?;
                let entry = entered(&entity, &records, number);
                Some((entity, entry))
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
