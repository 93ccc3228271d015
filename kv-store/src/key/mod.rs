//! Keys: `prefix ":" id *( ":" id ) [ ":" group ]`, readable UTF-8 text. Behind a shared prefix there is
//! no `:`, and a raw id is the rest of the key as it is.
//!
//! One file a subject: `id` (what can be an id, and how calls take it), `entity_id` (the whole id of
//! an entity), `schema` (ids as data), `writer` and `builder` (from ids to keys), `escape` (how text
//! becomes a segment), `parse` (from a key back to its ids), `lookup` and `tuples` (how calls take
//! many ids), `known` (which entities raw keys may be of), `placement` (what is kept together), `redact` (how a secret id is shown),
//! `traits` (what an id type has beside its keys), `sorted` and `sorted_builder` (the keys of index
//! entries, in the order of their values).

mod builder;
mod entity_id;
mod escape;
mod id;
mod known;
mod lookup;
mod parse;
mod placement;
mod redact;
mod schema;
mod sorted;
mod sorted_builder;
mod traits;
mod tuples;
mod writer;

pub use builder::{Key, KeyBuilder};
pub use entity_id::EntityId;
pub use id::{ByReference, ByValue, KvId, Passing};
pub use lookup::{Depth1, Depth2, Depth3, Depth4, Depth5, Lookup, Within};
pub use parse::IdSegments;
pub use schema::{IdKind, IdSchema};
pub use traits::IdTraits;
pub use writer::IdWriter;
#[doc(hidden)]
pub use writer::Segment;

#[doc(hidden)]
pub use entity_id::{is_foreign, parse_key, taken};
#[doc(hidden)]
pub use escape::escape_into;
#[doc(hidden)]
pub use known::learn;
#[doc(hidden)]
pub use sorted_builder::{LEAST_KEPT as LEAST_KEPT_OF_PART, beginning_of_part, parse_entry};
