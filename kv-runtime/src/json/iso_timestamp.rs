//! Moments as ISO 8601 text, such as `"2026-11-30T22:43:55.123Z"`, as JavaScript's `toISOString` writes
//! it.
//!
//! It takes a [`Timestamp`](crate::Timestamp), a `SystemTime`, or an `Option` of one, also in a field
//! with `#[kv(expires_at)]`:
//!
//! ```
//! # use kv_runtime::Timestamp;
//! # #[derive(kv_runtime::KvEntity)]
//! # #[kv(prefix = "session", plain)]
//! # struct Session {
//! #     #[kv(id)]
//! #     id: String,
//! #[kv(expires_at)]
//! #[serde(with = "kv_runtime::json::iso_timestamp")]
//! expires: Option<Timestamp>,
//! # }
//! ```
//!
//! A text with any offset from UTC and any number of digits of a second is read, also with a space in
//! the place of the `T`. What is finer than a millisecond is cut off. A text without an offset is an
//! error, because nobody can tell which moment it means.

use serde::{Deserializer, Serializer};

use super::Moment;

/// Writes the moment in UTC, with milliseconds.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<M: Moment, S: Serializer>(moment: &M, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { moment.write(serializer) } else { moment.serialize(serializer) }
}

/// Reads the moment.
///
/// # Errors
///
/// Text that is no date with time and offset, and moments before 1970.
pub fn deserialize<'de, M: Moment, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    if deserializer.is_human_readable() { M::read(deserializer) } else { M::deserialize(deserializer) }
}
