//! What can be indexed, and how values become the parts of an index entry: in the order of the
//! values, so that a store which keeps keys in order keeps entries in order.

mod key;
mod parts;
#[cfg(test)]
mod tests;
mod value;

pub use key::{Composite, IndexKey, Last, NoNormaliser, Normaliser, write_normalised};
pub use parts::IndexParts;
pub use value::{IndexKind, IndexText, IndexValue};
