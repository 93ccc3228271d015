//! Writes without a condition: put, put_many.

use std::borrow::Borrow;
use std::pin::Pin;

use futures_util::FutureExt;
use kv_store::__private::coop::Hold;
use kv_store::key::Key;
use kv_store::record::NewRecord;
use kv_store::store::{Batch, CommitScope, Sharing, Store, Write};
use kv_store::{Error, Location, Result};

use super::indexed::Requires;
use super::{Collection, named};
use crate::entity::KvEntity;
use crate::heard::Writes;
use crate::small::{Instrument, apart};

/// The records of some entities, each entity's anchor last.
#[derive(Default)]
struct Entities {
    records: Vec<(Key, NewRecord)>,
    entities: usize,
    bytes: usize,
}

/// The position of a batch in its call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchPosition {
    /// Another batch follows.
    Before,
    Last,
}

/// The batches that were passed to the store, and how many entities are written with them.
pub(super) enum Sent<F> {
    Written(usize),
    /// The last one is being written, while the next one is made.
    OnItsWay(Pin<Box<F>>),
}

impl<F: Future<Output = Result<usize>>> Sent<F> {
    /// Passes a batch to the store, and does not wait for it.
    pub(super) fn begin(writing: F) -> Result<Self> {
        let mut writing = Box::pin(writing);
        // The caller polls it again to finish it, so no waker is needed here.
        match writing.as_mut().now_or_never() {
            Some(written) => written.map(Self::Written),
            None => Ok(Self::OnItsWay(writing)),
        }
    }

    pub(super) async fn end(self) -> Result<usize> {
        match self {
            Self::Written(written) => Ok(written),
            Self::OnItsWay(writing) => writing.await,
        }
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Writes the entity, and replaces its record without reading it: value, metadata and expiry.
    ///
    /// An entity with indexes is read first, and written on the condition that it has not changed.
    /// [`Error::NotUnique`] says that another entity has a value that is to be unique.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if a value would not be read back equal, and [`Error::KeyTooLong`] and the
    /// like if the store cannot hold it; nothing is written then. [`Error::OutcomeUnknown`] if the
    /// store's answer was lost.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// let ada = User { id: 7, name: "Ada".to_owned() };
    /// users.put(&ada).await?;
    /// assert_eq!(users.get(7).await?, Some(ada));
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn put(&self, entity: &E) -> Result<()> {
        let key = self.key_of(entity);
        let span = self.span("put", &key);
        async {
            let now = self.info().clock().now();
            if const { !E::INDEXES.is_empty() } {
                let writes = self.writes_of_new(&key, entity, now)?;
                let written = Box::pin(self.write_indexed(self.kv.writes(), &key, writes, Requires::Nothing));
                return apart(written).await.map(drop);
            }
            if E::SCHEMA.groups.len() == 1 {
                let record = self.new_record(&key, entity, 0, now)?;
                return self.kv.writes().write(Write::Put(key, record).into()).await.map_err(named::<E>);
            }
            let records = self.new_records(&key, entity)?;
            // An engine that fails as a whole names no key.
            let name = |at: &mut Location| {
                if at.key.is_none() {
                    at.key = Location::of(self.info().name(), &key).key;
                }
            };
            apart(self.write_anchors_last(self.kv.writes(), records))
                .await
                .map_err(|error| error.map_location(&name))
        }
        .instrument(span)
        .await
    }

    /// Writes entities as [`put`](Self::put) does, in batches as large as the store allows.
    ///
    /// The batches are not one transaction. Memory is that of two batches, however many entities
    /// there are: one on its way to the store, and the next. The call yields to other tasks every
    /// few milliseconds. Other calls may not see any of the entities before it is done.
    ///
    /// Of entities with indexes each batch is a commit on the condition of what it replaces.
    ///
    /// # Errors
    ///
    /// [`Error::Partial`] says how many entities were written. These are as durable as the store
    /// makes a write.
    ///
    /// ```
    /// # use kv_runtime::{Kv, KvEntity, store::MemoryStore};
    /// # #[derive(KvEntity, Clone, Debug, PartialEq)]
    /// # #[kv(prefix = "user")]
    /// # struct User {
    /// #     #[kv(id)]
    /// #     id: u64,
    /// #     name: String,
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let users = Kv::new(MemoryStore::new()).collection::<User>();
    /// users.put_many((1..=1_000).map(|id| User { id, name: format!("user {id}") })).await?;
    /// assert!(users.exists(1_000).await?);
    /// # Ok::<(), kv_runtime::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn put_many<I>(&self, entities: I) -> Result<()>
    where
        I: IntoIterator,
        I::Item: Borrow<E>,
    {
        let entities = entities.into_iter();
        let span = self.span_many("put_many", &entities);
        async {
            let put = match const { E::INDEXES.is_empty() } {
                true => self.put_parts(entities).await,
                false => apart(Box::pin(self.put_many_indexed(entities))).await,
            };
            match put {
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
        let limits = self.info().capabilities().limits;
        let mut sent = Sent::Written(0);
        let mut batch = Entities::default();
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
                hold.yield_at_batch(batch.records.len()).await;
                sent = Sent::begin(self.write_batch(
                    std::mem::take(&mut batch),
                    written,
                    BatchPosition::Before,
                ))?;
            }
            batch.records.extend(records);
            batch.entities += 1;
            batch.bytes += bytes;
            hold.yield_after(bytes).await;
        }
        let written = sent.end().await?;
        hold.yield_at_batch(batch.records.len()).await;
        self.write_batch(batch, written, BatchPosition::Last).await.map(drop)
    }

    /// After a failure, makes the written batches durable, or counts them as unwritten.
    pub(super) async fn end_parts(&self, error: Error) -> Error {
        match error {
            // Elsewhere each batch was durable when it was written.
            Error::Partial { at, written: 1.., unknown, source, .. }
                if self.is_one_batch()
                    && self.info().capabilities().sharing == Sharing::Exclusive
                    && self.kv.writes().write(Batch::new()).await.is_err() =>
            {
                Error::Partial { at, written: 0, also: Vec::new(), unknown, source }
            }
            error => error,
        }
    }

    /// Returns whether all groups of an entity are written by one batch, or none.
    fn is_one_batch(&self) -> bool {
        let capabilities = self.info().capabilities();
        capabilities.atomic_batches
            || capabilities.limits.commit_scope == CommitScope::OneShard
            || E::SCHEMA.groups.len() == 1
    }

    /// Returns the records of all groups, the anchor last.
    pub(super) fn new_records(&self, anchor: &Key, entity: &E) -> Result<Vec<(Key, NewRecord)>> {
        let now = self.info().clock().now();
        let groups = E::SCHEMA.groups.iter().enumerate().rev();
        groups
            .map(|(group, schema)| {
                let key = anchor.with_group(schema.name);
                let record = self.new_record(&key, entity, group, now)?;
                Ok((key, record))
            })
            .collect()
    }

    /// Writes one batch, and returns how many entities are written up to its end.
    async fn write_batch(&self, batch: Entities, written: usize, place: BatchPosition) -> Result<usize> {
        let Some((key, _)) = batch.records.last() else { return Ok(written) };
        let last = key.clone();
        let done = match place {
            BatchPosition::Before if self.is_one_batch() => {
                self.kv.writes().write(Batch::puts(batch.records).as_part()).await.map_err(named::<E>)
            }
            _ => self.write_anchors_last(self.kv.writes(), batch.records).await,
        };
        match done {
            Ok(()) => Ok(written + batch.entities),
            Err(error) => Err(self.partial(&last, written, batch.entities, error)),
        }
    }

    /// Writes one batch if the store writes the groups of an entity together. Otherwise writes the
    /// anchors in a second batch, after the other groups. If a batch fails in part, the error's
    /// positions are those of the entities, all of whose groups must be among the records.
    pub(super) async fn write_anchors_last(
        &self,
        writes: Writes<'_, S>,
        records: Vec<(Key, NewRecord)>,
    ) -> Result<()> {
        if self.is_one_batch() {
            let groups = E::SCHEMA.groups.len();
            let entities = records.len() / groups;
            let of_entities = |error| named::<E>(entities_of_groups(error, groups, entities));
            return writes.write(Batch::puts(records)).await.map_err(of_entities);
        }
        let anchor = super::anchor::<E>().name;
        let (anchors, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|(key, _)| key.group() == anchor);
        // Of an entity whose anchor is not written nothing counts as written.
        writes.write(Batch::puts(others)).await.map_err(|error| named::<E>(whole_failure(error)))?;
        writes.write(Batch::puts(anchors)).await.map_err(named::<E>)
    }

    /// Returns the error of a call that failed after `before` entities, in a batch of `len`, with
    /// what the store says about that batch.
    pub(super) fn partial(&self, key: &Key, before: usize, len: usize, error: Error) -> Error {
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

/// Returns the writes that put these records.
pub(super) fn as_puts(records: Vec<(Key, NewRecord)>) -> Vec<Write> {
    records.into_iter().map(|(key, record)| Write::Put(key, record)).collect()
}

/// Returns an error with the positions of entities in the place of those of their records. Each
/// entity has as many records as groups, all of which were written, or none.
fn entities_of_groups(error: Error, groups: usize, entities: usize) -> Error {
    match error {
        Error::Partial { at, written, also, unknown, source } if groups > 1 => {
            let is_written = |record: usize| record < written || also.contains(&record);
            let done: Vec<bool> = (0..entities).map(|entity| is_written(entity * groups)).collect();
            let written = done.iter().take_while(|done| **done).count();
            let also = (written..entities).filter(|entity| done.get(*entity) == Some(&true)).collect();
            let mut unknown: Vec<usize> = unknown.into_iter().map(|record| record / groups).collect();
            unknown.dedup();
            Error::Partial { at, written, also, unknown, source }
        }
        error => error,
    }
}

/// Returns the cause of a partial failure whose positions mean nothing to the caller.
pub(super) fn whole_failure(error: Error) -> Error {
    match error {
        Error::Partial { source, .. } => *source,
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_records_become_those_of_entities() {
        let partial = |written, also, unknown| Error::Partial {
            at: Box::default(),
            written,
            also,
            unknown,
            source: Box::new(Error::TimedOut { at: Box::default(), limit: std::time::Duration::ZERO }),
        };
        let places = |error| match entities_of_groups(error, 2, 4) {
            Error::Partial { written, also, unknown, .. } => (written, also, unknown),
            error => panic!("{error}"),
        };
        assert_eq!(places(partial(4, vec![6, 7], vec![])), (2, vec![3], vec![]));
        assert_eq!(places(partial(0, vec![4, 5], vec![0, 1, 6, 7])), (0, vec![2], vec![0, 3]));
    }
}
