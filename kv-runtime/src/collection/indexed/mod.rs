//! Indexes are kept right by the commit that writes the entity.
//!
//! `typed` (what an entity's type knows of its indexes), `change` (the records of an entity before
//! and after a write), `claim` (who holds a unique value), `plan` (what a commit needs beside the
//! records), `write` (the calls that do not depend on what was read), `many` (batches of them),
//! `fresh` (indexes of a collection that was always empty), `find` (what entries lead to), `shard`
//! (indexes of entities in shards).
//!
//! Entries are hints that each lookup checks. A claim is a record under the value of a unique index,
//! and names the entity that has the value. It never expires, and may outlive its entity, which then
//! no longer holds the value.

mod change;
mod claim;
mod find;
mod fresh;
mod many;
mod plan;
mod shard;
mod typed;
mod write;

pub(crate) use change::{Change, after};
pub(crate) use claim::holder_of;
pub(crate) use find::EntryOf;
pub(crate) use fresh::{IndexState, commit_states, named_state_key, state_key, state_of, state_record};
pub(crate) use plan::{Reads, plan};
pub(crate) use shard::{by_scope, check_within, index_keys, named_index_key, parts_of};
pub(crate) use typed::{IndexedType, Of, check_supported, index_key};
#[cfg(feature = "cache")]
pub(crate) use typed::{entry_of, id_of};
pub(crate) use write::{Requires, StoreReads};
