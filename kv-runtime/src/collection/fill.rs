//! What a cache writes into a store on the way back from an origin.

use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Expiry, NewRecord, Record};
use kv_store::store::{AtomicStore, Batch, Commit, Condition, Expect, GetOptions, Store, Write};
use kv_store::{Result, Timestamp};

use super::filled::set_filled;
use super::indexed::Requires;
use super::write::as_puts;
use super::{Collection, StoredEntity, keys_of_groups, named};
use crate::entity::KvEntity;
use crate::small::{Instrument, apart};

/// What a miss saw in the store: the entity, if there was one, and the state that a fill must still
/// find.
pub(crate) struct BeforeFill<E> {
    pub(crate) found: Option<StoredEntity<E>>,
    pub(crate) unchanged: Vec<Condition>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns the entities under these keys, with the conditions on which they may be replaced, or
    /// the error of one that cannot be read.
    pub(crate) async fn before_fill(
        &self,
        anchors: &[Key],
        ids: Vec<E::Id>,
    ) -> Result<Vec<Result<BeforeFill<E>>>> {
        let span = self.span_many("get_many", &anchors.iter());
        async {
            let groups = E::SCHEMA.groups.len();
            let mut all = Vec::with_capacity(anchors.len());
            let mut ids = ids.into_iter();
            let batch = Self::entities_in(self.info().capabilities().limits.batch_read);
            let options = GetOptions::new().with_expiry();
            for anchors in anchors.chunks(batch) {
                match self.records(anchors, options).await {
                    Ok(records) => {
                        let records = records.chunks(groups);
                        for ((anchor, records), id) in anchors.iter().zip(records).zip(ids.by_ref()) {
                            all.push(self.one_before_fill(id, anchor, records).await);
                        }
                    }
                    Err(error) if error.is_of_a_record() => {
                        let records = self.records_of_each_with(anchors, options).await?;
                        for ((anchor, records), id) in anchors.iter().zip(records).zip(ids.by_ref()) {
                            all.push(match records {
                                Ok(records) => self.one_before_fill(id, anchor, &records).await,
                                Err(error) => Err(error),
                            });
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(all)
        }
        .instrument(span)
        .await
    }

    async fn one_before_fill(
        &self,
        id: E::Id,
        anchor: &Key,
        records: &[Option<Record>],
    ) -> Result<BeforeFill<E>> {
        let unchanged = self.unchanged(anchor, records);
        Ok(BeforeFill { found: self.found(id, anchor, records).await?, unchanged })
    }

    /// Adds leases to the conditions on absent records, which have no revision. Each set of
    /// conditions is of one entity. A store without leases leaves them as they are.
    pub(crate) async fn take_leases(
        &self,
        unchanged: &mut [&mut Vec<Condition>],
        life: Duration,
    ) -> Result<()> {
        let absent = |condition: &&mut Condition| matches!(condition.expect, Expect::Absent);
        let conditions = unchanged.iter_mut().flat_map(|unchanged| unchanged.iter_mut());
        let mut absent: Vec<&mut Condition> = conditions.filter(absent).collect();
        let batch = self.info().capabilities().limits.batch_read.max(1);
        for absent in absent.chunks_mut(batch) {
            let keys: Vec<Key> = absent.iter().map(|condition| condition.key.clone()).collect();
            let leases = self.store().lease(&keys, life).await.map_err(named::<E>)?;
            for (condition, lease) in absent.iter_mut().zip(leases) {
                condition.lease = Some(lease);
            }
        }
        Ok(())
    }

    /// Writes `entity`, or deletes it, if the store still is as the miss saw it.
    pub(crate) async fn fill(
        &self,
        key: &Key,
        unchanged: Vec<Condition>,
        entity: Option<&E>,
        ttl: Option<Duration>,
    ) -> Result<Commit>
    where
        S: AtomicStore,
    {
        let writes: Batch = match entity {
            Some(entity) => {
                let records = self.fill_records(key, entity, ttl)?;
                records.into_iter().map(|(key, record)| Write::Put(key, record)).collect()
            }
            None => keys_of_groups::<E>(key).map(Write::Delete).collect(),
        };
        let span = self.span("fill", key);
        if const { !E::INDEXES.is_empty() } {
            let filling = async {
                // What the miss saw is a condition, so these records are the same, or the fill is lost.
                let records = self.records(std::slice::from_ref(key), GetOptions::new()).await?;
                self.commit_indexed(self.kv.writes().of_a_read(), key, &records, unchanged, writes.into_vec())
                    .await
            };
            return apart(Box::pin(filling.instrument(span))).await;
        }
        self.kv.writes().of_a_read().commit(unchanged, writes).instrument(span).await.map_err(named::<E>)
    }

    /// Overwrites the record with `entity`, or deletes it, without comparing it first.
    pub(crate) async fn fill_unseen(
        &self,
        key: &Key,
        entity: Option<&E>,
        ttl: Option<Duration>,
    ) -> Result<Commit> {
        let span = self.span("fill", key);
        let writes = self.kv.writes().of_a_read();
        async {
            if const { !E::INDEXES.is_empty() } {
                let writes = match entity {
                    Some(entity) => as_puts(self.fill_records(key, entity, ttl)?),
                    None => self.writes_to_delete(key),
                };
                let of_a_read = self.kv.writes().of_a_read();
                let written = Box::pin(self.write_indexed(of_a_read, key, writes, Requires::Nothing));
                return apart(written).await;
            }
            match entity {
                Some(entity) => self.write_anchors_last(writes, self.fill_records(key, entity, ttl)?).await?,
                None => self.delete_anchors_first(writes, std::slice::from_ref(key)).await?,
            }
            Ok(Commit::Done)
        }
        .instrument(span)
        .await
    }

    /// Returns the records of all groups, the anchor last. A cache's TTL is a maximum: a field may
    /// let them expire earlier.
    fn fill_records(&self, anchor: &Key, entity: &E, ttl: Option<Duration>) -> Result<Vec<(Key, NewRecord)>> {
        let now = self.info().clock().now();
        let groups = E::SCHEMA.groups.iter().enumerate().rev();
        groups
            .map(|(group, schema)| {
                let key = anchor.with_group(schema.name);
                let mut record = self.new_record(&key, entity, group, now)?;
                if let Some(ttl) = ttl
                    && let Some(expiry) = bounded(record.expiry, ttl, now)
                {
                    if schema.is_plain() {
                        let capability = "filling plain records with a TTL of the cache: they have no place for the mark of it";
                        return Err(kv_store::Error::Unsupported { at: self.at(&key), capability });
                    }
                    set_filled(&mut record.metadata);
                    record = self.checked(&key, record.with_expiry(expiry))?;
                }
                Ok((key, record))
            })
            .collect()
    }
}

/// Returns the TTL as an expiry, if it ends before the record's own.
fn bounded(own: Expiry, ttl: Duration, now: Timestamp) -> Option<Expiry> {
    let is_sooner = match own {
        Expiry::Never => true,
        Expiry::After(own) | Expiry::AtLeast(own) => ttl < own,
        Expiry::At(at) => now.saturating_add(ttl) < at,
    };
    is_sooner.then_some(Expiry::After(ttl))
}
