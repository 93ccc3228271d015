//! Claims: records under the values of unique indexes, which name the entity that has the value.

use kv_store::codec::CodecError;
use kv_store::key::Key;
use kv_store::record::{Metadata, NewRecord, Record};
use kv_store::{Codec, Error, Result};

use super::typed::IndexedType;

/// Returns the claim of the entity with this anchor: the part of its key that all groups share, as
/// JSON. It never expires.
pub(crate) fn new_claim(anchor: &Key) -> NewRecord {
    let entity = serde_json::Value::from(anchor.entity_part()).to_string();
    NewRecord::new(entity, Metadata::new(1, Codec::Json))
}

/// Returns the anchor of the entity that a claim names.
pub(crate) fn holder_of(of: &dyn IndexedType, key: &Key, claim: &Record) -> Result<Key> {
    let entity = serde_json::from_slice::<String>(&claim.value.0).ok();
    entity.and_then(|entity| of.anchor(&entity)).ok_or_else(|| {
        let source = CodecError::new("the claim of a unique value names no entity");
        Error::Decode { at: of.at(key), codec: Codec::Json, source }
    })
}
