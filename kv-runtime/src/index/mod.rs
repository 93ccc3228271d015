//! Secondary and unique indexes: looking entities up by other values than their ids.

pub use crate::entity::{Index, IndexPart, IndexSchema, StoredIn, Unique};
#[doc(inline)]
pub use kv_store::index::{Composite, IndexKey, IndexKind, IndexParts, IndexText, IndexValue, Normaliser};
