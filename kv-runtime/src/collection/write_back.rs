//! Writes back records that were migrated while they were read, as the policy says. A failure never
//! fails the read.

use kv_store::Result;
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, Record, Revision};
use kv_store::store::{Commit, Condition, Expect, Store, Write};

use super::adopt::Origin;
use super::difference::GroupOf;
use super::{Collection, learn_expiry};
use crate::entity::KvEntity;
use crate::kv::{Kv, WrittenBack};

/// A record to be written if it is still as it was read.
pub(crate) struct Replacement {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    pub(crate) record: NewRecord,
    /// The metadata that was read, if the expiry is unknown: `put_back` has to ask for it first.
    pub(crate) unknown_expiry: Option<Metadata>,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    pub(super) async fn write_back(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        behind: Vec<usize>,
    ) {
        let mut replacements = Vec::new();
        for group in behind {
            if !self.kv.migrations.budget.take(self.info().clock().now()) {
                self.kv.count(WrittenBack::Deferred);
                continue;
            }
            match self.replacement(entity, GroupOf { anchor, records, group }) {
                Ok(replacement) => replacements.extend(replacement),
                Err(error) => {
                    self.kv.count(WrittenBack::Failed);
                    tracing::warn!(%error, cause = kv_store::__private::causes(&error), "a migrated record could not be encoded to be written back");
                }
            }
        }
        if !replacements.is_empty() {
            let (kv, records) = (self.kv.clone(), replacements.len());
            self.kv.run_write_back(records, write_all(kv, replacements)).await;
        }
    }

    /// Returns a group's record at the version that is written, with its unknown members, or `None`
    /// if there is none.
    pub(crate) fn replacement(&self, entity: &E, target: GroupOf<'_>) -> Result<Option<Replacement>> {
        let Some(record) = target.record() else { return Ok(None) };
        let key = target.anchor.with_group(E::SCHEMA.groups[target.group].name);
        let (value, metadata) = self.value_brought_up(&key, entity, target, record)?;
        let expiry = record.expires_at.map_or(Expiry::Never, Expiry::At);
        let schema = &E::SCHEMA.groups[target.group];
        let new = NewRecord::new(value, metadata).with_expiry(expiry);
        let new = self.formed(&key, schema, new, Origin::Kept(record.expires_at))?;
        if const { !E::INDEXES.is_empty() } {
            let write = Write::Update(key.clone(), new.clone());
            self.check_same_entries(target.anchor, target.records, target.group, &write)?;
        }
        let unknown_expiry = (!record.expiry_known).then(|| record.metadata.clone());
        Ok(Some(Replacement { key, revision: record.revision.clone(), record: new, unknown_expiry }))
    }
}

/// A lost race is not an error and is not retried: the other writer has stored the current state.
async fn write_all<S: Store>(kv: Kv<S>, replacements: Vec<Replacement>) {
    for replacement in replacements {
        let result = if kv.store().info().capabilities().compare_and_swap {
            let Replacement { key, revision, record, .. } = replacement;
            let unchanged = vec![Condition::new(key.clone(), Expect::Revision(revision))];
            let calls = kv.writes().of_a_read();
            calls.commit(unchanged, Write::Update(key, record).into()).await.map(|commit| match commit {
                Commit::Done => WrittenBack::Written,
                Commit::Conflict(_) => WrittenBack::Lost,
            })
        } else {
            put_back(&kv, replacement).await
        };
        match result {
            Ok(outcome) => kv.count(outcome),
            Err(error) => {
                kv.count(WrittenBack::Failed);
                tracing::warn!(%error, cause = kv_store::__private::causes(&error), "a migrated record could not be written back");
            }
        }
    }
}

/// Overwrites the record without comparing it, and keeps the expiry that it had.
async fn put_back<S: Store>(kv: &Kv<S>, replacement: Replacement) -> Result<WrittenBack> {
    let store = kv.store();
    let Replacement { key, mut record, unknown_expiry, .. } = replacement;
    if let Some(metadata) = unknown_expiry {
        record.expiry = learn_expiry(store, &key, &metadata).await?;
    }
    // The server would keep it for longer than is left, for other programs to see.
    let left = match record.expiry {
        Expiry::At(at) => Some(at.saturating_since(store.info().clock().now())),
        Expiry::After(_) | Expiry::AtLeast(_) | Expiry::Never => None,
    };
    let server_ttl = store.info().capabilities().limits.server_ttl;
    if left.zip(server_ttl).is_some_and(|(left, least)| left <= least) {
        return Ok(WrittenBack::Deferred);
    }
    kv.writes().of_a_read().write(Write::Put(key, record).into()).await.map(|()| WrittenBack::Written)
}
