//! JSON of a value: written, or compared with a text without writing it.
//!
//! What is written is what serde_json writes, byte for byte; it has the rare cases, such as texts
//! with escapes. A text without any is looked through 16 bytes at a time, which takes a fraction of
//! the time.
//!
//! An update compares every value that it reads. Most texts are what this library wrote, and then
//! nothing has to be encoded to compare with them. A `false` costs only time: the caller encodes the
//! value and compares again. So what is rare (keys of maps that are fractions, the numbers of
//! `arbitrary_precision`, a `RawValue`) is `false` without a look.

mod compared;
mod error;
mod escape;
mod key;
mod out;
mod serializer;
#[cfg(test)]
mod tests;
mod written;

use serde::Serialize;

use compared::Expected;
pub(super) use out::Json;
pub(super) use written::Written;

/// How many lists, objects, options and newtypes may be around a value. A value that is read back
/// has fewer, and one that contains itself has no end.
const DEPTH: u8 = 255;

/// Whether `text` is known to be the value's JSON, byte for byte.
pub(crate) fn is_json_of<T: Serialize + ?Sized>(text: &[u8], value: &T) -> bool {
    let mut expected = Expected { rest: text, depth: DEPTH };
    value.serialize(Json(&mut expected)).is_ok() && expected.rest.is_empty()
}
