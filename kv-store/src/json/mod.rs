//! JSON as text, and numbers that values round.
//!
//! The runtime's codecs use it for values, and records for foreign metadata.

mod raw;
mod read;
mod rounded;
mod scan;

pub use raw::{Name, RawMember, RawObject, WHITESPACE, between, elements, offset, sorted, text_len};
pub use read::json_of_text;
pub use rounded::{Rounded, fractions_are_maps, may_round, value};
