//! Batches of entities with indexes. Each batch is a commit on the condition of what it replaces.
//!
//! All but the last are parts of one write ([`Batch::as_part`]). What is read for a batch may lack
//! the parts before it; its conditions then do not hold, which makes these parts readable.

use std::borrow::Borrow;
use std::collections::HashMap;

use kv_store::__private::coop::Hold;
use kv_store::key::Key;
use kv_store::store::{Batch, Commit, GetOptions, Store, StoreExt, Write};
use kv_store::{Error, Location, Result};

use super::super::write::{BatchPosition, Sent};
use super::super::{Collection, groups, keys_of_groups, named};
use super::change::{Change, after};
use super::plan::plan;
use super::typed::{IndexedType, Of};
use super::write::{MAX_ATTEMPTS, Requires, StoreReads};
use crate::entity::{IndexSchema, KvEntity};

/// One batch: the last writes of each of its entities.
#[derive(Default)]
struct Pending {
    /// Where the writes of an entity are.
    positions: HashMap<Key, usize>,
    writes: Vec<(Key, Vec<Write>)>,
    bytes: usize,
    /// Where the writes are of each entity that the caller passed.
    entities: Vec<usize>,
}

impl Pending {
    fn push(&mut self, key: Key, writes: Vec<Write>) {
        self.bytes += writes.iter().map(bytes_of).sum::<usize>();
        let position = match self.positions.get(&key) {
            // The later one of an entity wins.
            Some(position) => {
                self.writes[*position].1 = writes;
                *position
            }
            None => {
                self.positions.insert(key.clone(), self.writes.len());
                self.writes.push((key, writes));
                self.writes.len() - 1
            }
        };
        self.entities.push(position);
    }

    /// Returns the error of a batch whose writes before `stopped` were made one by one.
    fn stopped_at(&self, stopped: usize, at: Box<Location>, error: Error) -> Error {
        let written = self.entities.iter().take_while(|position| **position < stopped).count();
        let entities = |is: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let behind = self.entities.iter().copied().enumerate().skip(written);
            behind.filter(|(_, position)| is(*position)).map(|(entity, _)| entity).collect()
        };
        let also = entities(&|position| position < stopped);
        let unknown = entities(&|position| error.is_unknown() && position == stopped);
        Error::Partial { at, written, also, unknown, source: Box::new(error) }
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Writes entities in batches as large as one commit of the store.
    pub(crate) async fn put_many_indexed<I>(&self, entities: I) -> Result<()>
    where
        I: Iterator,
        I::Item: Borrow<E>,
    {
        let limits = self.store().capabilities().limits;
        let (mut batch, mut sent) = (Pending::default(), Sent::Written(0));
        let mut hold = Hold::begin();
        for entity in entities {
            let entity = entity.borrow();
            let key = self.key_of(entity);
            let writes = match self.writes_of_new(&key, entity, self.store().clock().now()) {
                Ok(writes) => writes,
                Err(error) => return Err(self.partial(&key, sent.end().await?, 0, error)),
            };
            let bytes: usize = writes.iter().map(bytes_of).sum();
            if batch.writes.len() >= Self::entities_in_commit(limits.commit)
                || batch.bytes + bytes > limits.commit_bytes / 2
            {
                let written = sent.end().await?;
                let batch = std::mem::take(&mut batch);
                sent = Sent::begin(self.write_pending(batch, written, BatchPosition::Before))?;
            }
            batch.push(key, writes);
            hold.yield_after(bytes).await;
        }
        let written = sent.end().await?;
        self.write_pending(batch, written, BatchPosition::Last).await.map(drop)
    }

    /// Deletes the entities with these anchors.
    pub(crate) async fn delete_many_indexed(&self, anchors: &[Key]) -> Result<()> {
        let commit = Self::entities_in_commit(self.store().capabilities().limits.commit);
        let (mut written, mut batches) = (0, anchors.chunks(commit).peekable());
        while let Some(anchors) = batches.next() {
            let mut batch = Pending::default();
            anchors.iter().for_each(|key| batch.push(key.clone(), self.writes_to_delete(key)));
            let is_last = batches.peek().is_none();
            let position = if is_last { BatchPosition::Last } else { BatchPosition::Before };
            written = match self.write_pending(batch, written, position).await {
                Ok(written) => written,
                Err(error) => return Err(self.end_parts(error).await),
            };
        }
        Ok(())
    }

    /// How many entities a commit takes at most: each has conditions and writes of its records, of
    /// old and new claims or entries, and of the holders of claims that are taken over.
    pub(crate) fn entities_in_commit(limit: usize) -> usize {
        let of_index = |index: &IndexSchema| if index.is_unique() { 5 } else { 2 };
        let of_each = 2 * groups::<E>().len() + E::INDEXES.iter().map(of_index).sum::<usize>();
        (limit / of_each.max(1)).max(1)
    }

    /// Writes a batch, and returns how many entities are written up to its end.
    async fn write_pending(&self, batch: Pending, written: usize, position: BatchPosition) -> Result<usize> {
        let Some((first, _)) = batch.writes.first() else { return Ok(written) };
        match self.commit_pending(&batch, position).await {
            Ok(()) => Ok(written + batch.entities.len()),
            Err(error) => Err(self.partial(first, written, batch.entities.len(), error)),
        }
    }

    async fn commit_pending(&self, batch: &Pending, position: BatchPosition) -> Result<()> {
        let of = Of(self.clone());
        self.make_ready().await?;
        let anchors: Vec<Key> = batch.writes.iter().map(|(key, _)| key.clone()).collect();
        let first = anchors.first().cloned();
        for attempt in 0..MAX_ATTEMPTS {
            if attempt > 0 {
                let longest = std::time::Duration::from_millis(1 << attempt.min(6));
                self.store().clock().timer().pause(longest.mul_f64(fastrand::f64())).await;
            }
            match self.try_commit((batch, position), &anchors, &of).await {
                Ok(Commit::Done) => return Ok(()),
                Ok(Commit::Conflict(_)) => {}
                Err(error) if error.is_of_a_record() => return self.write_each(batch).await,
                Err(error) => return Err(error),
            }
        }
        let at = first.map_or_else(Box::default, |key| self.at(&key));
        Err(Error::Conflict { at, attempts: MAX_ATTEMPTS, why: None })
    }

    /// Writes the entities of a batch one after the other, because the record of one cannot be read.
    async fn write_each(&self, batch: &Pending) -> Result<()> {
        for (position, (key, writes)) in batch.writes.iter().enumerate() {
            let written = self.write_indexed(self.writes(), key, writes.clone(), Requires::Nothing).await;
            if let Err(error) = written {
                return Err(batch.stopped_at(position, self.at(key), error));
            }
        }
        Ok(())
    }

    async fn try_commit(
        &self,
        (batch, position): (&Pending, BatchPosition),
        anchors: &[Key],
        of: &Of<E, S>,
    ) -> Result<Commit> {
        let mut records = Vec::new();
        let read = Self::entities_in(self.store().capabilities().limits.batch_read);
        for anchors in anchors.chunks(read) {
            records.extend(self.records(anchors, GetOptions::new()).await?);
        }
        let now = self.store().clock().now();
        let (mut changes, mut conditions, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for ((key, new), before) in batch.writes.iter().zip(records.chunks(groups::<E>().len())) {
            let keys: Vec<Key> = keys_of_groups::<E>(key).collect();
            let after = after(&keys, before, new, now);
            conditions.extend(self.unchanged_of_indexes(key, before));
            writes.extend(new.iter().cloned());
            let of: &dyn IndexedType = of;
            changes.push(Change { of, anchor: key.clone(), before: before.to_vec(), after });
        }
        let plan = plan(&changes, &StoreReads(self.store())).await.map_err(named::<E>)?;
        conditions.extend(plan.conditions);
        if let Some(taken) = plan.taken.into_iter().next() {
            let checked = self.store().commit(conditions, Batch::new()).await.map_err(named::<E>)?;
            return if checked == Commit::Done { Err(taken) } else { Ok(checked) };
        }
        writes.extend(plan.writes);
        let writes = Batch::from(writes);
        let writes = if position == BatchPosition::Before { writes.as_part() } else { writes };
        self.writes().commit(conditions, writes).await.map_err(named::<E>)
    }
}

fn bytes_of(write: &Write) -> usize {
    let value = match write {
        Write::Put(_, new) | Write::Update(_, new) => new.value.len(),
        _ => 0,
    };
    write.key().len() + value
}
