//! Secondary and unique indexes: looking entities up by other values than their ids.
//!
//! [`Collection::by`](crate::Collection::by) takes one of the constants that `#[derive(KvEntity)]`
//! generates for `#[kv(index)]` and `#[kv(unique)]`. A [`Unique`] index leads to a [`ByUnique`], any
//! other [`Index`] to a [`ByIndex`].
//!
//! An index is offered where it is exact: in a store that commits an entity and its entries together
//! ([`IndexStore`](crate::store::IndexStore)). Every call that writes the entity keeps its indexes
//! right, and every lookup checks what it finds against the entity.

// `by` (how a constant becomes a lookup), `unique`, `builder` (what is looked up), `range` (which
// entries that is), `page`, `stream`, `state` (whether an index has all entities), `build` and
// `check` (of all entities), `enter` (entries of stored entities), `walk` (all that an index has),
// `census` (how much that is), `report` (what was done)
mod build;
mod builder;
mod by;
mod census;
mod check;
mod enter;
mod page;
mod range;
mod report;
mod state;
mod stream;
mod unique;
mod walk;

pub use crate::entity::{Index, IndexPart, IndexSchema, StoredIn, Unique};
pub use build::BuildIndexes;
pub use builder::{ByIndex, ByIndexIds};
pub use by::Handle;
pub use census::IndexCensus;
#[doc(inline)]
pub use kv_store::index::{Composite, IndexKey, IndexKind, IndexParts, IndexText, IndexValue, Normaliser};
pub use report::IndexReport;
pub use unique::ByUnique;
