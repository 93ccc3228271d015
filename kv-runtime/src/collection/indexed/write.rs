//! Writes of one entity with indexes. Calls that read nothing without indexes read here, because
//! the entries to remove depend on what is stored.

use std::pin::pin;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{Batch, Commit, Condition, Expect, GetOptions, Store, StoreExt, Write};
use kv_store::{Error, Result};

use super::super::attempts::Attempts;
use super::super::{Collection, keys_of_groups, named};
use super::change::{Change, after};
use super::plan::{Reads, plan};
use super::typed::{IndexedType, Of, check_supported};
use crate::entity::KvEntity;
use crate::heard::Writes;

/// The maximum number of attempts of a call.
pub(super) const MAX_ATTEMPTS: u32 = 32;

/// A store as the source of what a plan reads.
pub(crate) struct StoreReads<'a, S>(pub(crate) &'a S);

impl<S: Store> Reads for StoreReads<'_, S> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let mut records = Vec::with_capacity(keys.len());
        let batch = self.0.capabilities().limits.batch_read.max(1);
        for keys in keys.chunks(batch) {
            records.extend(self.0.get_many(keys, GetOptions::new()).await?);
        }
        Ok(records)
    }
}

/// A store as it is taken to be: without the claims that a plan asks for. Each is a condition then.
struct NothingRead;

impl Reads for NothingRead {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        Ok(vec![None; keys.len()])
    }
}

/// What a write of an entity requires of its records, beside those of its indexes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requires {
    Nothing,
    /// That there is no entity.
    Absence,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Makes writes that do not depend on what is stored. The outcome is [`Commit::Conflict`] only if
    /// the entity must be absent and is not.
    pub(crate) async fn write_indexed(
        &self,
        calls: Writes<'_, S>,
        key: &Key,
        writes: Vec<Write>,
        requires: Requires,
    ) -> Result<Commit> {
        check_supported(self)?;
        let mut attempts = Attempts::begin(self.kv.fair_queue(), key, self.info().clock()).await;
        if requires == Requires::Absence {
            let commit = pin!(self.insert_unread(calls, key, writes.clone()));
            if let Some(commit) = attempts.watch(commit).await? {
                return Ok(commit);
            }
        }
        for _ in 0..MAX_ATTEMPTS {
            let read = pin!(self.records(std::slice::from_ref(key), GetOptions::new()));
            let (records, mut conditions) = match attempts.watch(read).await {
                Ok(records) => {
                    let unchanged = self.unchanged_of_indexes(key, &records);
                    (records, unchanged)
                }
                // So that it can be repaired. Nobody can compare it, and what another writer makes of
                // it meanwhile leaves entries that lead to another value.
                Err(error) if error.is_of_a_record() && requires == Requires::Nothing => {
                    (vec![None; E::SCHEMA.groups.len()], Vec::new())
                }
                Err(error) => return Err(error),
            };
            if requires == Requires::Absence && matches!(records.first(), Some(Some(_))) {
                return Ok(Commit::Conflict(0));
            }
            if requires == Requires::Absence {
                conditions.push(Condition::new(key.clone(), Expect::Absent));
            }
            let commit = pin!(self.commit_indexed(calls, key, &records, conditions, writes.clone()));
            match attempts.watch(commit).await? {
                Commit::Done => return Ok(Commit::Done),
                Commit::Conflict(_) => attempts.lost().await,
            }
        }
        Err(Error::Conflict { at: self.at(key), attempts: MAX_ATTEMPTS, why: None })
    }

    /// Inserts an entity in one call, on the condition that neither it nor its claims are there: what
    /// a read would tell in most cases. Returns `None` if that does not decide it.
    async fn insert_unread(
        &self,
        calls: Writes<'_, S>,
        key: &Key,
        writes: Vec<Write>,
    ) -> Result<Option<Commit>> {
        let nothing: Vec<Option<Record>> = vec![None; E::SCHEMA.groups.len()];
        let mut conditions = vec![Condition::new(key.clone(), Expect::Absent)];
        let of_indexes = self.unchanged_of_indexes(key, &nothing).into_iter();
        conditions.extend(of_indexes.filter(|condition| condition.key != *key));
        let commit = self.commit_planned(calls, key, &nothing, (conditions, writes), &NothingRead).await?;
        Ok(Some(commit).filter(|commit| matches!(commit, Commit::Done | Commit::Conflict(0))))
    }

    /// Returns the records of each entity, or the error of one that cannot be read.
    pub(crate) async fn records_of_each(&self, anchors: &[Key]) -> Result<Vec<Result<Vec<Option<Record>>>>> {
        self.records_of_each_with(anchors, GetOptions::new()).await
    }

    /// The same, read with these options.
    pub(crate) async fn records_of_each_with(
        &self,
        anchors: &[Key],
        options: GetOptions,
    ) -> Result<Vec<Result<Vec<Option<Record>>>>> {
        let mut found = Vec::with_capacity(anchors.len());
        let batch = Self::entities_in(self.info().capabilities().limits.batch_read);
        let mut batches: Vec<&[Key]> = anchors.chunks(batch).rev().collect();
        while let Some(anchors) = batches.pop() {
            match self.records(anchors, options).await {
                Ok(records) => {
                    found.extend(records.chunks(E::SCHEMA.groups.len()).map(|records| Ok(records.to_vec())));
                }
                Err(error) if error.is_of_a_read() && anchors.len() > 1 => {
                    let (first, second) = anchors.split_at(anchors.len() / 2);
                    batches.extend([second, first]);
                }
                Err(error) if error.is_of_a_read() => found.push(Err(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Commits writes of an entity whose records were read, with what its indexes need. Fails with
    /// [`Error::NotUnique`] if that is certain, and with a conflict if another attempt may succeed.
    pub(crate) async fn commit_indexed(
        &self,
        calls: Writes<'_, S>,
        key: &Key,
        records: &[Option<Record>],
        conditions: Vec<Condition>,
        writes: Vec<Write>,
    ) -> Result<Commit> {
        let reads = StoreReads(self.store());
        self.commit_planned(calls, key, records, (conditions, writes), &reads).await
    }

    /// The same with the claims from elsewhere.
    async fn commit_planned(
        &self,
        calls: Writes<'_, S>,
        key: &Key,
        records: &[Option<Record>],
        (mut conditions, mut writes): (Vec<Condition>, Vec<Write>),
        reads: &impl Reads,
    ) -> Result<Commit> {
        let of = Of(self.clone());
        self.make_ready().await?;
        let keys: Vec<Key> = keys_of_groups::<E>(key).collect();
        let after = after(&keys, records, &writes, self.info().clock().now());
        let change = Change { of: &of, anchor: key.clone(), before: records.to_vec(), after };
        let plan = plan(&[change], reads).await.map_err(named::<E>)?;
        conditions.extend(plan.conditions);
        if let Some(taken) = plan.taken.into_iter().next() {
            let checked = self.store().commit(conditions, Batch::new()).await.map_err(named::<E>)?;
            return if checked == Commit::Done { Err(taken) } else { Ok(checked) };
        }
        writes.extend(plan.writes);
        calls.commit(conditions, writes.into()).await.map_err(named::<E>)
    }

    /// Returns the conditions that the groups with indexes are as they were read.
    pub(crate) fn unchanged_of_indexes(&self, key: &Key, records: &[Option<Record>]) -> Vec<Condition> {
        let has_index = |group: usize| E::INDEXES.iter().any(|index| index.group() == group);
        let groups = self.unchanged(key, records).into_iter().enumerate();
        groups.filter(|(group, _)| has_index(*group)).map(|(_, condition)| condition).collect()
    }

    /// Returns the writes that delete all groups of an entity.
    pub(crate) fn writes_to_delete(&self, key: &Key) -> Vec<Write> {
        keys_of_groups::<E>(key).map(Write::Delete).collect()
    }

    /// Fails if a rewritten record would be read with another indexed value than the one before,
    /// which no change of the entity explains.
    pub(in crate::collection) fn check_same_entries(
        &self,
        key: &Key,
        before: &[Option<Record>],
        group: usize,
        write: &Write,
    ) -> Result<()> {
        let of = Of(self.clone());
        let keys: Vec<Key> = keys_of_groups::<E>(key).collect();
        let rewritten = after(&keys, before, std::slice::from_ref(write), self.info().clock().now());
        if of.entries(key, before)? == of.entries(key, &rewritten)? {
            return Ok(());
        }
        let source = crate::codec::CodecError::new(
            "an indexed value would be read differently at the version that is written; nothing was written",
        );
        Err(Error::Encode { at: self.at(key), codec: E::SCHEMA.groups[group].codec, source })
    }
}
