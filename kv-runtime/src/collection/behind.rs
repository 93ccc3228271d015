//! Which records of an entity are older than what is written, and are to be written back.

use std::marker::PhantomData;

use kv_store::record::Record;
use kv_store::store::Store;

use super::Collection;
use crate::entity::{GroupSchema, KvEntity};

/// The groups of an entity whose records are to be written back. A read decides this once.
pub(super) struct BehindGroups<E>(Vec<usize>, PhantomData<fn() -> E>);

impl<E: KvEntity> BehindGroups<E> {
    const fn new(groups: Vec<usize>) -> Self {
        Self(groups, PhantomData)
    }

    /// Whether there are none, which is known while compiling if the entity has no older versions.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty() || const { !has_older_versions(E::SCHEMA.groups) }
    }

    pub(super) fn groups(self) -> impl Iterator<Item = usize> {
        self.0.into_iter()
    }
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns which of an entity's records are to be written back.
    pub(super) fn behind(&self, records: &[Option<Record>]) -> BehindGroups<E> {
        if const { !has_older_versions(E::SCHEMA.groups) } {
            return BehindGroups::new(Vec::new());
        }
        let is_behind = |group: &usize| {
            let record = records.get(*group).and_then(Option::as_ref);
            record.is_some_and(|record| self.is_behind(&E::SCHEMA.groups[*group], record))
        };
        BehindGroups::new((0..E::SCHEMA.groups.len()).filter(is_behind).collect())
    }

    pub(super) fn is_behind(&self, schema: &GroupSchema, record: &Record) -> bool {
        schema.is_behind(record.metadata.version) && self.may_be_brought_up(schema, record)
    }

    /// Returns whether the policy writes an older record back. A function apart, so that it is not
    /// inlined into the read of a current record.
    #[cold]
    fn may_be_brought_up(&self, schema: &GroupSchema, record: &Record) -> bool {
        let compatible = schema.oldest_reader(schema.write_version) <= record.metadata.version;
        let is_ours = record.metadata.names_version();
        self.kv.write_back_policy().allows(self.info().capabilities(), compatible, is_ours)
    }
}

/// Whether there are versions before the one that is written. It is known while compiling, so that
/// entities that have none have no code that writes them back.
const fn has_older_versions(groups: &[GroupSchema]) -> bool {
    let mut index = 0;
    while index < groups.len() {
        if groups[index].is_behind(groups[index].oldest()) {
            return true;
        }
        index += 1;
    }
    false
}
