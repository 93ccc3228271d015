//! Whole numbers as text, such as `"9007199254740993"`. Text and numbers are read.
//!
//! ```
//! # #[derive(kv_runtime::KvEntity)]
//! # #[kv(prefix = "order")]
//! # struct Order {
//! #     #[kv(id)]
//! #     id: u64,
//! #[serde(with = "kv_runtime::json::as_text")]
//! cents: u64,
//! # }
//! ```

use serde::{Deserializer, Serializer};

use super::Number;

/// Writes the number as text.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<N: Number, S: Serializer>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { number.write_text(serializer) } else { number.serialize(serializer) }
}

/// Reads text or a number.
///
/// # Errors
///
/// Anything else, a fraction, and a number that the type does not hold. A number beyond 64 bits is
/// read from text only.
pub fn deserialize<'de, N: Number, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    if deserializer.is_human_readable() { N::read(deserializer) } else { N::deserialize(deserializer) }
}
