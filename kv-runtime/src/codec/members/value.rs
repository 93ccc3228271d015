//! A value as steps see it.

use kv_store::BoxError;
use serde_json::Value;

use crate::codec::describe;

/// Reads a value, in which numbers are rounded as `serde_json` rounds them.
pub(super) fn read(text: &str) -> Result<Value, BoxError> {
    kv_store::__private::json::value(text).map_err(|error| describe::json(&error).into())
}
