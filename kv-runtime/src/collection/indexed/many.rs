//! Batches of entities with indexes. Each batch is a commit on the condition of what it replaces.
//!
//! All but the last are parts of one write ([`Batch::as_part`]). What is read for a batch may lack
//! the parts before it; its conditions then do not hold, which makes these parts readable.

use std::borrow::Borrow;
use std::collections::HashMap;

use futures_util::future::join_all;
use kv_store::__private::coop::Hold;
use kv_store::key::Key;
use kv_store::store::{Batch, Commit, GetOptions, Store, Write};
use kv_store::{Error, Location, Result};

use super::super::write::{BatchPosition, Sent};
use super::super::{Collection, keys_of_groups, named};
use super::change::{Change, after};
use super::plan::plan;
use super::shard::by_scope;
use super::typed::{IndexedType, Of};
use super::write::{MAX_ATTEMPTS, Requires, StoreReads};
use crate::entity::{IndexSchema, KvEntity};

/// How many shards of a batch are written side by side, where one commit takes one shard.
const SHARDS_AT_ONCE: usize = 64;

/// One batch: the last writes of each of its entities.
#[derive(Default)]
struct Pending {
    /// Where the writes of an entity are.
    positions: HashMap<Key, usize>,
    writes: Vec<EntityWrites>,
    bytes: usize,
    /// Where the writes are of each entity that the caller passed.
    entities: Vec<usize>,
}

/// The writes of one entity.
struct EntityWrites {
    /// The position in the batch.
    position: usize,
    key: Key,
    writes: Vec<Write>,
}

impl Pending {
    fn push(&mut self, key: Key, writes: Vec<Write>) {
        self.bytes += writes.iter().map(bytes_of).sum::<usize>();
        let next = self.writes.len();
        let position = *self.positions.entry(key.clone()).or_insert(next);
        match self.writes.get_mut(position) {
            // The later one of an entity wins.
            Some(before) => before.writes = writes,
            None => self.writes.push(EntityWrites { position, key, writes }),
        }
        self.entities.push(position);
    }
}

/// Why a part of a batch was not written, or not all of it.
struct PartFailure {
    /// How many of the part's entities were written, from its start.
    written: usize,
    /// How many behind these the failed call was to write.
    tried: usize,
    at: Box<Location>,
    error: Error,
}

/// What became of the writes of an entity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteState {
    Unwritten,
    Written,
    Unknown,
}

impl PartFailure {
    /// Returns what became of the entity at this place of the part.
    fn state(&self, place: usize) -> WriteState {
        match place.checked_sub(self.written) {
            None => WriteState::Written,
            Some(behind) if behind < self.tried && self.error.is_unknown() => WriteState::Unknown,
            Some(_) => WriteState::Unwritten,
        }
    }

    /// Returns the error of a batch of these entities, which is behind `before` others.
    fn of_batch(self, entities: &[usize], states: &[WriteState], before: usize) -> Error {
        let state = |position: &usize| states.get(*position).copied();
        let first = entities.iter().take_while(|at| state(at) == Some(WriteState::Written)).count();
        let behind = |wanted: WriteState| -> Vec<usize> {
            let behind = entities.iter().enumerate().skip(first);
            let behind = behind.filter(|(_, position)| state(position) == Some(wanted));
            behind.map(|(entity, _)| before + entity).collect()
        };
        let (also, unknown) = (behind(WriteState::Written), behind(WriteState::Unknown));
        Error::Partial { at: self.at, written: before + first, also, unknown, source: Box::new(self.error) }
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Writes entities in batches as large as one commit of the store.
    pub(crate) async fn put_many_indexed<I>(&self, entities: I) -> Result<()>
    where
        I: Iterator,
        I::Item: Borrow<E>,
    {
        let limits = self.info().capabilities().limits;
        let (mut batch, mut sent) = (Pending::default(), Sent::Written(0));
        let mut hold = Hold::begin();
        for entity in entities {
            let entity = entity.borrow();
            let key = self.key_of(entity);
            let writes = match self.writes_of_new(&key, entity, self.info().clock().now()) {
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
        let commit = Self::entities_in_commit(self.info().capabilities().limits.commit);
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
        let of_each = 2 * E::SCHEMA.groups.len() + E::INDEXES.iter().map(of_index).sum::<usize>();
        (limit / of_each.max(1)).max(1)
    }

    /// Writes a batch, and returns how many entities are written up to its end.
    async fn write_pending(&self, batch: Pending, before: usize, position: BatchPosition) -> Result<usize> {
        let Pending { writes, entities, .. } = batch;
        let mut states = vec![WriteState::Unwritten; writes.len()];
        let scope = self.info().capabilities().limits.commit_scope;
        let parts = by_scope(scope, writes, |entity| &entity.key);
        for parts in parts.chunks(SHARDS_AT_ONCE) {
            let commits = parts.iter().map(|part| self.commit_pending(part, position));
            let mut failed: Option<PartFailure> = None;
            for (part, committed) in parts.iter().zip(join_all(commits).await) {
                let failure = committed.err();
                for (place, entity) in part.iter().enumerate() {
                    let state = failure.as_ref().map_or(WriteState::Written, |it| it.state(place));
                    states[entity.position] = state;
                }
                // What is unknown must not be repeated, whatever else failed.
                if let Some(failure) = failure
                    && failed
                        .as_ref()
                        .is_none_or(|before| failure.error.is_unknown() && !before.error.is_unknown())
                {
                    failed = Some(failure);
                }
            }
            if let Some(failed) = failed {
                return Err(failed.of_batch(&entities, &states, before));
            }
        }
        Ok(before + entities.len())
    }

    /// Writes a part of a batch by one commit.
    async fn commit_pending(
        &self,
        part: &[EntityWrites],
        position: BatchPosition,
    ) -> Result<(), PartFailure> {
        let of = Of(self.clone());
        let anchors: Vec<Key> = part.iter().map(|entity| entity.key.clone()).collect();
        let failure = |error| {
            let at = anchors.first().map_or_else(Box::default, |key| self.at(key));
            PartFailure { written: 0, tried: part.len(), at, error }
        };
        self.make_ready().await.map_err(failure)?;
        for attempt in 0..MAX_ATTEMPTS {
            if attempt > 0 {
                let longest = std::time::Duration::from_millis(1 << attempt.min(6));
                self.info().clock().timer().pause(longest.mul_f64(fastrand::f64())).await;
            }
            match self.try_commit((part, position), &anchors, &of).await {
                Ok(Commit::Done) => return Ok(()),
                Ok(Commit::Conflict(_)) => {}
                Err(error) if error.is_of_a_record() => return self.write_each(part).await,
                Err(error) => return Err(failure(error)),
            }
        }
        let at = anchors.first().map_or_else(Box::default, |key| self.at(key));
        Err(failure(Error::Conflict { at, attempts: MAX_ATTEMPTS, why: None }))
    }

    /// Writes the entities of a part one after the other, because the record of one cannot be read.
    async fn write_each(&self, part: &[EntityWrites]) -> Result<(), PartFailure> {
        for (written, entity) in part.iter().enumerate() {
            let writes = entity.writes.clone();
            let done = self.write_indexed(self.kv.writes(), &entity.key, writes, Requires::Nothing).await;
            if let Err(error) = done {
                return Err(PartFailure { written, tried: 1, at: self.at(&entity.key), error });
            }
        }
        Ok(())
    }

    async fn try_commit(
        &self,
        (part, position): (&[EntityWrites], BatchPosition),
        anchors: &[Key],
        of: &Of<E, S>,
    ) -> Result<Commit> {
        let mut records = Vec::new();
        let read = Self::entities_in(self.info().capabilities().limits.batch_read);
        for anchors in anchors.chunks(read) {
            records.extend(self.records(anchors, GetOptions::new()).await?);
        }
        let now = self.info().clock().now();
        let (mut changes, mut conditions, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for (EntityWrites { key, writes: new, .. }, before) in
            part.iter().zip(records.chunks(E::SCHEMA.groups.len()))
        {
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
        self.kv.writes().commit(conditions, writes).await.map_err(named::<E>)
    }
}

fn bytes_of(write: &Write) -> usize {
    let value = match write {
        Write::Put(_, new) | Write::Update(_, new) => new.value.len(),
        _ => 0,
    };
    write.key().len() + value
}
