//! What a cache writes into a store on the way back from an origin.

use std::time::Duration;

use tracing::Instrument;

use super::read::TOLD;
use super::{Collection, Found, groups, keys_of_groups, named};
use crate::clock::Timestamp;
use crate::entity::KvEntity;
use crate::error::Result;
use crate::key::Key;
use crate::record::{Expiry, NewRecord};
use crate::store::{AtomicStore, Commit, Condition, Store, Write};

/// What a miss saw in the store: the entity, if there was one, and the state that a fill must still find.
pub(crate) struct Standing<E> {
    pub(crate) found: Option<Found<E>>,
    pub(crate) unchanged: Vec<Condition>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// The entity under this key, with the conditions on which it may be replaced.
    pub(crate) async fn standing(&self, id: E::Id, key: &Key) -> Result<Standing<E>> {
        let span = self.span("get", key);
        async {
            let records = self.records::<TOLD>(std::slice::from_ref(key)).await?;
            let unchanged = self.unchanged(key, &records);
            Ok(Standing { found: self.found(id, key, &records).await?, unchanged })
        }
        .instrument(span)
        .await
    }

    /// As [`standing`](Self::standing), of many.
    pub(crate) async fn standing_all(&self, anchors: &[Key], ids: Vec<E::Id>) -> Result<Vec<Standing<E>>> {
        let span = self.span_many("get_many", &anchors.iter());
        async {
            let groups = groups::<E>().len();
            let mut all = Vec::with_capacity(anchors.len());
            let mut ids = ids.into_iter();
            let batch = Self::entities_in(self.store().capabilities().limits.batch_read);
            for anchors in anchors.chunks(batch) {
                let records = self.records::<TOLD>(anchors).await?;
                for ((anchor, records), id) in anchors.iter().zip(records.chunks(groups)).zip(ids.by_ref()) {
                    let unchanged = self.unchanged(anchor, records);
                    all.push(Standing { found: self.found(id, anchor, records).await?, unchanged });
                }
            }
            Ok(all)
        }
        .instrument(span)
        .await
    }

    /// Makes the store hold `entity`, or nothing, if it still is as the miss saw it.
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
        let writes = match entity {
            Some(entity) => {
                let records = self.fill_records(key, entity, ttl)?;
                records.into_iter().map(|(key, record)| Write::Put(key, record)).collect()
            }
            None => keys_of_groups::<E>(key).map(Write::Delete).collect(),
        };
        let span = self.span("fill", key);
        self.store().commit(unchanged, writes).instrument(span).await.map_err(named::<E>)
    }

    /// Makes the store hold `entity`, or nothing, whatever stands there.
    pub(crate) async fn fill_unseen(
        &self,
        key: &Key,
        entity: Option<&E>,
        ttl: Option<Duration>,
    ) -> Result<Commit> {
        let span = self.span("fill", key);
        async {
            match entity {
                Some(entity) => self.write_anchors_last(self.fill_records(key, entity, ttl)?).await?,
                None => self.delete_anchors_first(std::slice::from_ref(key)).await?,
            }
            Ok(Commit::Done)
        }
        .instrument(span)
        .await
    }

    /// The records of all groups, the anchor last. A cache's TTL is a bound: a field may say that they expire earlier.
    fn fill_records(&self, anchor: &Key, entity: &E, ttl: Option<Duration>) -> Result<Vec<(Key, NewRecord)>> {
        let now = self.store().clock().now();
        let groups = groups::<E>().iter().enumerate().rev();
        groups
            .map(|(group, schema)| {
                let key = anchor.with_group(schema.name());
                let record = self.new_record(&key, entity, group, now)?;
                let expiry = bounded(record.expiry, ttl, now);
                Ok((key, record.with_expiry(expiry)))
            })
            .collect()
    }
}

/// The earlier one of a record's own expiry and a TTL.
fn bounded(expiry: Expiry, ttl: Option<Duration>, now: Timestamp) -> Expiry {
    match (expiry, ttl) {
        (expiry, None) => expiry,
        (Expiry::Never, Some(ttl)) => Expiry::After(ttl),
        (Expiry::After(own) | Expiry::AtLeast(own), Some(ttl)) => Expiry::After(own.min(ttl)),
        (Expiry::At(at), Some(ttl)) if at <= now.saturating_add(ttl) => Expiry::At(at),
        (Expiry::At(_), Some(ttl)) => Expiry::After(ttl),
    }
}
