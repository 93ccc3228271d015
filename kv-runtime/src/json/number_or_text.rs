//! Whole numbers that other programs write as numbers or as text. They are written as numbers.
//!
//! ```
//! # #[derive(kv_runtime::KvEntity)]
//! # #[kv(prefix = "order")]
//! # struct Order {
//! #     #[kv(id)]
//! #     id: u64,
//! #[serde(with = "kv_runtime::json::number_or_text")]
//! quantity: u32,
//! # }
//! ```

use serde::{Deserializer, Serializer};

use super::Number;

/// Writes the number as a number.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<N: Number, S: Serializer>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        number.write_number(serializer)
    } else {
        number.serialize(serializer)
    }
}

/// Reads a number or text.
///
/// # Errors
///
/// Anything else, a fraction, and a number that the type does not hold. A number beyond 64 bits is
/// written as text by this module, and read from text only.
pub fn deserialize<'de, N: Number, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    super::as_text::deserialize(deserializer)
}
