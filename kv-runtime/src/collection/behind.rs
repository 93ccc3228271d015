//! Which records of an entity are older than what is written, and are to be written back.

use kv_store::record::Record;
use kv_store::store::Store;

use super::Collection;
use crate::entity::{GroupSchema, KvEntity};

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Whether records may have to be written back, which is known while compiling.
    pub(super) const HAS_OLDER_VERSIONS: bool = has_older_versions(E::SCHEMA.groups);

    /// Returns the groups of an entity whose records are to be written back. A read decides this
    /// once.
    pub(super) fn behind(&self, records: &[Option<Record>]) -> Vec<usize> {
        if !Self::HAS_OLDER_VERSIONS {
            return Vec::new();
        }
        let is_behind = |group: &usize| {
            let record = records.get(*group).and_then(Option::as_ref);
            record.is_some_and(|record| self.is_behind(&E::SCHEMA.groups[*group], record))
        };
        (0..E::SCHEMA.groups.len()).filter(is_behind).collect()
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
        self.kv.migrations.policy.allows(self.info().capabilities(), compatible, is_ours)
    }
}

/// Whether there are versions before the one that is written. It is known while compiling, so that
/// entities that have none have no code that writes them back.
const fn has_older_versions(groups: &[GroupSchema]) -> bool {
    let mut index = 0;
    while index < groups.len() {
        if groups[index].is_behind(groups[index].oldest) {
            return true;
        }
        index += 1;
    }
    false
}
