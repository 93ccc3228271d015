//! Records that a cache filled. They have the TTL of the cache until a caller writes them.

use kv_store::Result;
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, Record};
use kv_store::store::{Store, Write};

use super::{Collection, keys_of_groups};
use crate::entity::KvEntity;

/// The member of the metadata that marks a record whose expiry is the TTL of a cache:
/// [the wire format](crate::guide::wire_format).
const CACHE_FILL: &str = "cacheFill";

/// Whether the record's expiry is the TTL of a cache.
pub(super) fn is_filled(metadata: &Metadata) -> bool {
    metadata.foreign(CACHE_FILL).is_some_and(|fill| fill == true)
}

pub(super) fn is_any_filled(records: &[Option<Record>]) -> bool {
    records.iter().flatten().any(|record| is_filled(&record.metadata))
}

#[cfg(feature = "cache")]
pub(super) fn set_filled(metadata: &mut Metadata) {
    // Only the runtime's own names are refused, and this is none of them.
    let _ = metadata.set_foreign(CACHE_FILL, true.into());
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Extends the writes of a caller's change, so that no record of the entity keeps the TTL of a
    /// cache. That includes groups that the change leaves alone: the entity would be gone without
    /// them.
    pub(super) fn made_own(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
        mut writes: Vec<Write>,
    ) -> Result<Vec<Write>> {
        if writes.is_empty() || !is_any_filled(records) {
            return Ok(writes);
        }
        for ((schema, key), record) in E::SCHEMA.groups.iter().zip(keys_of_groups::<E>(anchor)).zip(records) {
            let Some(record) = record.as_ref().filter(|record| is_filled(&record.metadata)) else { continue };
            let index = writes.iter().position(|write| *write.key() == key);
            let mut new = match index.map(|index| writes.swap_remove(index)) {
                // The change has set its expiry.
                Some(Write::Put(key, mut new)) => {
                    new.metadata.remove_foreign(CACHE_FILL);
                    writes.push(Write::Put(key, new));
                    continue;
                }
                Some(Write::Update(_, new)) => new,
                _ => self.same(&key, schema, record, Expiry::Never)?,
            };
            new.metadata.remove_foreign(CACHE_FILL);
            let new = self.checked(&key, new.with_expiry(self.expiry(entity, schema)))?;
            writes.push(Write::Put(key, new));
        }
        Ok(writes)
    }
}
