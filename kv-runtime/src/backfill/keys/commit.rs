//! The commits of a move: as one, or first the copy and then the removal.

use kv_store::Result;
use kv_store::key::Key;
use kv_store::record::{NewRecord, Record};
use kv_store::store::{AtomicStore, Batch, Commit, Condition, Expect, Store, Write};

use super::route::{Ready, Route};
use crate::collection::Collection;
use crate::collection::indexed::{Change, IndexedType, Of, StoreReads, after, plan};
use crate::entity::KvEntity;

impl<P: KvEntity, E: KvEntity, T: AtomicStore, S: AtomicStore> Route<P, E, T, S> {
    /// Moves entities by one commit. A conflict names the first of them that somebody else has
    /// written, or none if it is about an index.
    pub(super) async fn move_together(&self, together: &[Ready]) -> Result<Result<(), Option<usize>>> {
        let (mut conditions, mut writes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for ready in together {
            conditions.extend(self.from.unchanged(&ready.moving.old, &ready.records));
            conditions.extend(self.absent(ready));
            writes.extend(self.removal(ready));
            writes.extend(self.copy(ready));
            ends.push(conditions.len());
        }
        let commit = match self.commit_with_indexes(together, conditions, writes).await {
            Ok(commit) => commit,
            Err(error) => return Err(error.of_entity(E::SCHEMA.name)),
        };
        Ok(match commit {
            Commit::Done => Ok(()),
            Commit::Conflict(place) => Err(ends.iter().position(|end| place < *end)),
        })
    }

    async fn commit_with_indexes(
        &self,
        together: &[Ready],
        mut conditions: Vec<Condition>,
        mut writes: Vec<Write>,
    ) -> Result<Commit> {
        if const { P::INDEXES.is_empty() && E::INDEXES.is_empty() } {
            return self.into.kv.writes().commit(conditions, writes.into()).await;
        }
        let (old, new) = (Of(self.from.clone()), Of(self.into.clone()));
        old.make_ready().await?;
        new.make_ready().await?;
        let plan = plan(&self.changes(together, &old, &new), &StoreReads(self.into.store())).await?;
        conditions.extend(plan.conditions);
        if let Some(taken) = plan.taken.into_iter().next() {
            let checked = self.into.store().commit(conditions, Batch::new()).await?;
            return if checked == Commit::Done { Err(taken) } else { Ok(checked) };
        }
        writes.extend(plan.writes);
        self.into.kv.writes().commit(conditions, writes.into()).await
    }

    /// What the commit does to the entities under their old keys and under their new ones.
    fn changes<'a>(
        &self,
        together: &[Ready],
        old: &'a dyn IndexedType,
        new: &'a dyn IndexedType,
    ) -> Vec<Change<'a>> {
        let now = self.into.info().clock().now();
        let mut changes = Vec::new();
        for ready in together {
            let before = ready.records.clone();
            let removed = after(&ready.old_keys, &before, &self.removal(ready), now);
            changes.push(Change { of: old, anchor: ready.moving.old.clone(), before, after: removed });
            let puts: Vec<Write> =
                ready.copies.iter().cloned().map(|(key, it)| Write::Put(key, it)).collect();
            let before = vec![None; ready.new_keys.len()];
            let copied = after(&ready.new_keys, &before, &puts, now);
            changes.push(Change { of: new, anchor: ready.moving.new.clone(), before, after: copied });
        }
        changes
    }

    /// The conditions that nothing is under the new keys.
    fn absent(&self, ready: &Ready) -> Vec<Condition> {
        let keys = ready.new_keys.iter().filter(|key| !self.is_kept(ready, key));
        let absent = |key: &Key| {
            let mut condition = Condition::new(key.clone(), Expect::Absent);
            condition.moves_here = true;
            condition
        };
        keys.map(absent).collect()
    }

    fn copy(&self, ready: &Ready) -> Vec<Write> {
        let copies = ready.copies.iter().filter(|(key, _)| !self.is_kept(ready, key));
        copies.cloned().map(|(key, copy)| Write::Put(key, copy)).collect()
    }

    fn removal(&self, ready: &Ready) -> Vec<Write> {
        let keys = ready.old_keys.iter().filter(|key| !self.is_kept(ready, key));
        keys.cloned().map(Write::Delete).collect()
    }

    /// Writes the copy where nothing is.
    pub(super) async fn copy_apart(&self, ready: &Ready) -> Result<Commit> {
        let nothing = vec![None; ready.new_keys.len()];
        let commit = Of(self.into.clone());
        commit.apart(&ready.moving.new, &nothing, self.absent(ready), self.copy(ready)).await
    }

    /// Replaces a copy that this run has written, and that nobody has changed.
    pub(super) async fn replace_copy(&self, ready: &Ready, there: &[Option<Record>]) -> Result<Commit> {
        let conditions = self.into.unchanged(&ready.moving.new, there);
        let copied = |key: &&Key| !ready.copies.iter().any(|(copy, _)| copy == *key);
        let mut writes = self.copy(ready);
        writes.extend(ready.new_keys.iter().filter(copied).cloned().map(Write::Delete));
        Of(self.into.clone()).apart(&ready.moving.new, there, conditions, writes).await
    }

    /// Takes a copy back that this run has written, and that nobody has changed.
    pub(super) async fn remove_copy(&self, new: &Key, there: &[Option<Record>]) -> Result<Commit> {
        let conditions = self.into.unchanged(new, there);
        let writes = self.into.writes_to_delete(new);
        Of(self.into.clone()).apart(new, there, conditions, writes).await
    }

    /// Removes the entity from its old keys, if it is as it was copied.
    pub(super) async fn remove(&self, ready: &Ready) -> Result<Commit> {
        let conditions = self.from.unchanged(&ready.moving.old, &ready.records);
        let removal = self.removal(ready);
        Of(self.from.clone()).apart(&ready.moving.old, &ready.records, conditions, removal).await
    }
}

impl<E: KvEntity, S: Store> Of<E, S> {
    /// Commits writes of one entity.
    async fn apart(
        &self,
        anchor: &Key,
        before: &[Option<Record>],
        conditions: Vec<Condition>,
        writes: Vec<Write>,
    ) -> Result<Commit> {
        let collection: &Collection<E, S> = &self.0;
        let calls = collection.kv.writes();
        let committed = if const { E::INDEXES.is_empty() } {
            calls.commit(conditions, writes.into()).await
        } else {
            collection.commit_indexed(calls, anchor, before, conditions, writes).await
        };
        committed.map_err(|error| error.of_entity(E::SCHEMA.name))
    }
}

/// Whether the records are those of a copy, which has only these.
pub(super) fn are_copies(keys: &[Key], there: &[Option<Record>], copies: &[(Key, NewRecord)]) -> bool {
    keys.iter().zip(there).all(|(key, record)| {
        let copy = copies.iter().find(|(copied, _)| copied == key).map(|(_, copy)| copy);
        match (record, copy) {
            (None, None) => true,
            (Some(record), Some(copy)) => {
                record.value.0 == copy.value.0
                    && record.metadata == copy.metadata
                    && record.is_plain() == copy.is_plain
            }
            _ => false,
        }
    })
}
