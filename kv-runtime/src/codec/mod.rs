//! How a group's fields become bytes.
//!
//! A group names its codec, and so does every record in its metadata; a record is read by the codec
//! that it names. A record that names none is JSON: bytes are never guessed at.
//!
//! What is written can be read back: `guard` refuses what a codec cannot say, and what a binary
//! codec wrote is read once before it is stored. No codec follows a value or bytes without end, so
//! none of them overflows the stack.

mod decode;
#[cfg(feature = "postcard")]
mod depth;
mod describe;
mod encode;
mod error;
mod guard;
mod json;
mod member;
mod members;
mod merge;
mod tagged;
mod tags;

pub(crate) use kv_store::__private::json::{Name, RawObject, sorted};
pub use kv_store::codec::{Codec, CodecError};

pub(crate) use decode::{decode, decode_or};
pub(crate) use encode::{encode, encode_json, needs_proof};
pub(crate) use error::without_place;
pub(crate) use json::is_json_of;
pub(crate) use member::names as member_names;
pub(crate) use members::Members;
pub(crate) use merge::{Kept, Merged, Tagged, merge, merge_only};
pub(crate) use tagged::{TaggedText, encode_tagged};
