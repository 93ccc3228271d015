//! Whether a text is the JSON of a value, found without writing it.
//!
//! An update asks this of every value that it reads. Most texts are what this library wrote, and
//! then nothing has to be encoded to compare with them. A `false` costs only time: the caller
//! encodes the value and compares again. So what is rare (keys of maps that are fractions, the
//! numbers of `arbitrary_precision`, a `RawValue`) is `false` without a look.

mod elements;
mod error;
mod expected;
mod key;
mod serializer;
#[cfg(test)]
mod tests;

use serde::Serialize;

use expected::Expected;

/// How many lists, objects, options and newtypes may be around a value. A value that is read back
/// has fewer, and one that contains itself has no end.
const DEPTH: u8 = 255;

/// Whether `text` is known to be the value's JSON, byte for byte.
pub(crate) fn is_json_of<T: Serialize + ?Sized>(text: &[u8], value: &T) -> bool {
    let mut expected = Expected { rest: text, depth: DEPTH };
    value.serialize(&mut expected).is_ok() && expected.rest.is_empty()
}
