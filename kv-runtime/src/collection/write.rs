//! Writes that look at nothing: put, delete, and their many.

use std::borrow::Borrow;
use std::pin::Pin;

use futures_util::FutureExt;
use tracing::Instrument;

use super::{Collection, IdRef, groups, keys_of_groups, named};
use crate::coop::{self, Hold};
use crate::entity::KvEntity;
use crate::error::{Error, Location, Result};
use crate::key::{Key, Lookup};
use crate::maybe_send::{BoxFuture, MaybeSend};
use crate::record::NewRecord;
use crate::small::apart;
use crate::store::{Sharing, Store};

/// The records of some entities, each entity's anchor last.
#[derive(Default)]
struct Batch {
    records: Vec<(Key, NewRecord)>,
    entities: usize,
    bytes: usize,
}

/// Which batch of a call it is.
#[derive(Clone, Copy)]
enum Place {
    /// Another one follows.
    Before,
    Last,
}

/// The batches that were handed to the store, and how many entities are written with them.
enum Sent<F> {
    Written(usize),
    /// The last one is on its way, while the next one is made.
    OnItsWay(Pin<Box<F>>),
}

impl<F: Future<Output = Result<usize>>> Sent<F> {
    /// Hands over a batch, and does not wait for its end.
    fn begin(writing: F) -> Result<Self> {
        let mut writing = Box::pin(writing);
        // Whoever ends it polls it again, so nobody need be woken before.
        match writing.as_mut().now_or_never() {
            Some(written) => written.map(Self::Written),
            None => Ok(Self::OnItsWay(writing)),
        }
    }

    async fn end(self) -> Result<usize> {
        match self {
            Self::Written(written) => Ok(written),
            Self::OnItsWay(writing) => writing.await,
        }
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Writes the entity, whatever stands there: values, metadata and expiry are replaced unseen.
    pub async fn put(&self, entity: &E) -> Result<()> {
        let key = self.key_of(entity);
        let span = self.span("put", &key);
        async {
            let now = self.store().clock().now();
            if groups::<E>().len() == 1 {
                let record = self.new_record(&key, entity, 0, now)?;
                return self.store().put(key, record).await.map_err(named::<E>);
            }
            let records = self.new_records(&key, entity)?;
            // An engine that fails as a whole names no key.
            let name = |at: &mut Location| {
                if at.key.is_none() {
                    at.key = Location::of(self.store().name(), &key).key;
                }
            };
            apart(self.write_anchors_last(records)).await.map_err(|error| error.with_place(&name))
        }
        .instrument(span)
        .await
    }

    /// Writes entities as [`put`](Self::put) does, in batches as large as the store takes; the batches are not one transaction.
    ///
    /// If it fails, [`Error::Partial`] says how many were written, and are as durable as the store
    /// makes a write. Memory is that of two batches, however many there are: one on its way to the
    /// store, and the next. It yields to other tasks every few milliseconds. Other calls may read
    /// none of the entities before it is done.
    pub async fn put_many<I>(&self, entities: I) -> Result<()>
    where
        I: IntoIterator,
        I::Item: Borrow<E>,
    {
        let entities = entities.into_iter();
        let span = self.span_many("put_many", &entities);
        async {
            match self.put_parts(entities).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.end_parts(error).await),
            }
        }
        .instrument(span)
        .await
    }

    async fn put_parts<I>(&self, entities: I) -> Result<()>
    where
        I: Iterator,
        I::Item: Borrow<E>,
    {
        let limits = self.store().capabilities().limits;
        let mut sent = Sent::Written(0);
        let mut batch = Batch::default();
        let mut hold = Hold::begin();
        for entity in entities {
            let entity = entity.borrow();
            let key = self.key_of(entity);
            let records = match self.new_records(&key, entity) {
                Ok(records) => records,
                Err(error) => return Err(self.partial(&key, sent.end().await?, 0, error)),
            };
            let bytes: usize = records.iter().map(|(key, record)| key.len() + record.value.len()).sum();
            let full = batch.records.len() + records.len() > limits.batch_write
                || batch.bytes + bytes > limits.batch_write_bytes;
            if full && batch.entities > 0 {
                let written = sent.end().await?;
                sent = Sent::begin(self.write_batch(std::mem::take(&mut batch), written, Place::Before))?;
            }
            batch.records.extend(records);
            batch.entities += 1;
            batch.bytes += bytes;
            hold.yield_after(bytes).await;
        }
        let written = sent.end().await?;
        self.write_batch(batch, written, Place::Last).await.map(drop)
    }

    /// After a failure: the batches that were written are made durable, or count as unwritten.
    async fn end_parts(&self, error: Error) -> Error {
        match error {
            // Elsewhere each batch was durable when it was written.
            Error::Partial { at, written: 1.., unknown, source, .. }
                if self.is_one_batch()
                    && self.store().capabilities().sharing == Sharing::Exclusive
                    && self.store().put_many(Vec::new()).await.is_err() =>
            {
                Error::Partial { at, written: 0, also: Vec::new(), unknown, source }
            }
            error => error,
        }
    }

    /// Whether a batch is written as a whole.
    fn is_one_batch(&self) -> bool {
        self.store().capabilities().atomic_batches || groups::<E>().len() == 1
    }

    /// Removes the entity with this id, if there is one: all of its groups.
    pub fn delete(&self, id: IdRef<'_, E>) -> impl Future<Output = Result<()>> + use<'_, E, S> {
        self.delete_at(self.key_for(&id))
    }

    /// As [`delete`](Self::delete), of the entity with this anchor.
    pub(crate) async fn delete_at(&self, key: Key) -> Result<()> {
        let span = self.span("delete", &key);
        async {
            self.check_key(&key)?;
            if groups::<E>().len() == 1 {
                return self.store().delete(key).await.map_err(named::<E>);
            }
            apart(self.delete_anchors_first(&[key])).await
        }
        .instrument(span)
        .await
    }

    /// Removes the entities with these ids, in batches as large as the store takes. If it fails, [`Error::Partial`] says how many
    /// of the ids were done. It yields to other tasks after each batch.
    pub fn delete_many<'a, I>(&'a self, ids: I) -> BoxFuture<'a, Result<()>>
    where
        I: IntoIterator<IntoIter: MaybeSend + 'a>,
        I::Item: Lookup<E::Id>,
    {
        let mut ids = ids.into_iter();
        let span = self.span_many("delete_many", &ids);
        let deleting = async move {
            let batch = Self::entities_in(self.store().capabilities().limits.batch_write);
            let mut deleted = 0;
            loop {
                let anchors: Vec<Key> = ids.by_ref().take(batch).map(|id| self.key_for(&id)).collect();
                let Some(first) = anchors.first() else { return Ok(()) };
                let done = anchors.iter().try_for_each(|anchor| self.check_key(anchor));
                let done = match done {
                    Ok(()) => self.delete_anchors_first(&anchors).await,
                    refused => refused,
                };
                done.map_err(|error| self.partial(first, deleted, anchors.len(), error))?;
                deleted += anchors.len();
                coop::yield_now().await;
            }
        };
        Box::pin(deleting.instrument(span))
    }

    /// The records of all groups, the anchor last.
    pub(super) fn new_records(&self, anchor: &Key, entity: &E) -> Result<Vec<(Key, NewRecord)>> {
        let now = self.store().clock().now();
        let groups = groups::<E>().iter().enumerate().rev();
        groups
            .map(|(group, schema)| {
                let key = anchor.with_group(schema.name());
                let record = self.new_record(&key, entity, group, now)?;
                Ok((key, record))
            })
            .collect()
    }

    /// Writes one batch, and gives how many entities have been written with it.
    async fn write_batch(&self, batch: Batch, written: usize, place: Place) -> Result<usize> {
        let Some((key, _)) = batch.records.last() else { return Ok(written) };
        let last = key.clone();
        let done = match place {
            Place::Before if self.is_one_batch() => {
                self.store().put_part(batch.records).await.map_err(named::<E>)
            }
            _ => self.write_anchors_last(batch.records).await,
        };
        match done {
            Ok(()) => Ok(written + batch.entities),
            Err(error) => Err(self.partial(&last, written, batch.entities, error)),
        }
    }

    /// With one batch where that is all or nothing; elsewhere the anchors in a batch of their own, after the others. If that batch
    /// fails in part, the places it tells are those of the entities.
    pub(super) async fn write_anchors_last(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        if self.is_one_batch() {
            return self.store().put_many(records).await.map_err(named::<E>);
        }
        let anchor = super::anchor::<E>().name();
        let (anchors, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|(key, _)| key.group() == anchor);
        // Of an entity whose anchor is not written nothing counts as written.
        self.store().put_many(others).await.map_err(|error| named::<E>(whole_failure(error)))?;
        self.store().put_many(anchors).await.map_err(named::<E>)
    }

    pub(super) async fn delete_anchors_first(&self, anchors: &[Key]) -> Result<()> {
        if self.store().capabilities().atomic_batches || groups::<E>().len() == 1 {
            let keys = anchors.iter().flat_map(keys_of_groups::<E>).collect();
            return self.store().delete_many(keys).await.map_err(|error| named::<E>(whole_failure(error)));
        }
        self.store().delete_many(anchors.to_vec()).await.map_err(|error| named::<E>(whole_failure(error)))?;
        let others = anchors.iter().flat_map(|anchor| keys_of_groups::<E>(anchor).skip(1)).collect();
        self.store().delete_many(others).await.map_err(|error| named::<E>(whole_failure(error)))
    }

    /// What failed after so many entities, with what the store says of the batch of `len` in which
    /// it failed.
    fn partial(&self, key: &Key, before: usize, len: usize, error: Error) -> Error {
        let placed = |places: Vec<usize>| places.into_iter().map(|place| place + before).collect();
        match error {
            Error::Partial { at, written, also, unknown, source } => {
                let (also, unknown) = (placed(also), placed(unknown));
                Error::Partial { at, written: before + written, also, unknown, source }
            }
            error => {
                let unknown = if error.is_unknown() { placed((0..len).collect()) } else { Vec::new() };
                let (at, source) = (self.at(key), Box::new(error));
                Error::Partial { at, written: before, also: Vec::new(), unknown, source }
            }
        }
    }
}

/// The cause of a failure whose parts mean nothing to the caller.
pub(super) fn whole_failure(error: Error) -> Error {
    match error {
        Error::Partial { source, .. } => *source,
        error => error,
    }
}
