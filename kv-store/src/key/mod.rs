//! Keys: `prefix ":" id *( ":" id ) [ ":" group ]`, readable UTF-8 text.
//!
//! One file a subject: `id` (what can be an id), `passing` (how calls take an id), `lookup` (how
//! they take many), `escape` (how text becomes a segment), `parse` (from a key back to its ids),
//! `known` (which groups raw keys may have), `redact` (how a secret id is shown), `traits` (what an
//! id type has beside its keys).

mod builder;
mod escape;
mod id;
mod known;
mod lookup;
mod parse;
mod passing;
mod redact;
mod traits;

pub use builder::{Key, KeyBuilder};
pub use id::{EntityId, IdKind, IdSchema, IdWriter, KvId};
pub use lookup::{Depth1, Depth2, Depth3, Depth4, Depth5, Lookup, Within};
pub use parse::IdSegments;
pub use passing::{ByReference, ByValue, Passing};
pub use traits::IdTraits;

pub use escape::escape_into;
pub use known::learn;
pub use parse::parse_key;
