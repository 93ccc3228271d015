//! The claims of unique values, as they are packed: short records with the key of an index.

use bytes::Bytes;

use crate::key::Key;
use crate::record::{NewRecord, Record, envelope};
use crate::timestamp::Timestamp;

/// A longer record is no claim: its envelope and its value.
const LONGEST_CLAIM: usize = 192;

/// What is in the key of every claim.
pub(super) const INDEX_MARK: char = '!';

/// Returns a record as a claim, if it can be one.
pub(super) fn packed(
    key: &Key,
    record: &NewRecord,
    expires_at: Option<Timestamp>,
    token: u64,
) -> Option<Vec<u8>> {
    let is_claim = key.as_str().contains(INDEX_MARK) && !record.is_plain && record.metadata.names_version();
    if !is_claim || expires_at.is_some() || record.value.len() > LONGEST_CLAIM {
        return None;
    }
    let mut claim = Vec::new();
    envelope::write(&record.metadata, None, token, &mut claim).ok()?;
    claim.extend_from_slice(&record.value);
    Some(claim).filter(|claim| claim.len() <= LONGEST_CLAIM)
}

/// Returns the record of a claim.
pub(super) fn opened(claim: &[u8]) -> Option<Record> {
    envelope::open(Bytes::copy_from_slice(claim)).ok()
}
