//! Records that a cache filled: they expire when the cache says so, until a caller writes them.

use super::{Collection, groups, keys_of_groups};
use crate::entity::KvEntity;
use crate::error::Result;
use crate::key::Key;
use crate::record::{Metadata, NewRecord, Record};
use crate::store::{Store, Write};

/// The member of the metadata by which a record says that its TTL is a cache's. docs/wire-format.md specifies it.
const CACHE_FILL: &str = "cacheFill";

/// Whether the record expires for no other reason than that a cache gave it a TTL.
pub(super) fn is_filled(metadata: &Metadata) -> bool {
    metadata.foreign(CACHE_FILL).is_some_and(|fill| fill == true)
}

#[cfg(feature = "cache")]
pub(super) fn set_filled(metadata: &mut Metadata) {
    // The name is none of those that are refused.
    let _ = metadata.set_foreign(CACHE_FILL, true.into());
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// The writes of a caller's change, after which no record of the entity expires by a cache's TTL any more: neither those that are
    /// changed, nor the other groups, without which the entity would be gone.
    pub(super) fn made_own(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        mut writes: Vec<Write>,
    ) -> Result<Vec<Write>> {
        if writes.is_empty() || !records.iter().flatten().any(|record| is_filled(&record.metadata)) {
            return Ok(writes);
        }
        for ((schema, key), record) in groups::<E>().iter().zip(keys_of_groups::<E>(anchor)).zip(records) {
            let Some(record) = record.as_ref().filter(|record| is_filled(&record.metadata)) else { continue };
            let place = writes.iter().position(|write| *write.key() == key);
            let mut new = match place.map(|place| writes.swap_remove(place)) {
                // It has an expiry of the caller's already.
                Some(Write::Put(key, mut new)) => {
                    new.metadata.remove_foreign(CACHE_FILL);
                    writes.push(Write::Put(key, new));
                    continue;
                }
                Some(Write::Update(_, new)) => new,
                _ => NewRecord::new(record.value.0.clone(), record.metadata.clone()),
            };
            new.metadata.remove_foreign(CACHE_FILL);
            let new = self.checked(&key, new.with_expiry(self.expiry(entity, schema)))?;
            writes.push(Write::Put(key, new));
        }
        Ok(writes)
    }
}
