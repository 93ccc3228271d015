//! The answers of the API. Members that are not used are not declared, so they may change.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Number, Value};

/// What is around every answer but a bare value.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) success: Option<bool>,
    #[serde(default)]
    pub(super) errors: Option<Vec<ApiError>>,
    #[serde(default = "none")]
    pub(super) result: Option<T>,
    #[serde(default)]
    pub(super) result_info: Option<ResultInfo>,
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    #[serde(default)]
    pub(super) code: Option<u64>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResultInfo {
    /// Empty at the list's end.
    #[serde(default)]
    pub(super) cursor: Option<String>,
}

/// Of `bulk/get` with metadata.
#[derive(Debug, Deserialize)]
pub(super) struct Values {
    /// An absent key is null here, or is left out.
    pub(super) values: HashMap<String, Option<ValueWithMetadata>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ValueWithMetadata {
    /// Of an absent key this is null, too, in some answers.
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Value>,
    /// Missing for some keys that have one.
    #[serde(default)]
    pub(super) expiration: Option<Number>,
}

/// Of `keys`.
#[derive(Debug, Deserialize)]
pub(super) struct ListedKey {
    pub(super) name: String,
    /// Present for every key that has one.
    #[serde(default)]
    pub(super) expiration: Option<Number>,
    #[serde(default)]
    pub(super) metadata: Option<Value>,
}

/// Of `bulk` and `bulk/delete`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    pub(super) unsuccessful_keys: Option<Vec<String>>,
}

/// Seconds since the epoch, which the API's documents also show as `1577836800.0`.
pub(super) fn seconds(number: &Number) -> u64 {
    number.as_u64().unwrap_or_else(|| number.as_f64().unwrap_or_default() as u64)
}
