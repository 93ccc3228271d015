//! Version 3 of the entity, the oldest one that is kept as a struct. It has the shape of release
//! 3.0.0 of the data.
//!
//! From here on a typed conversion is the better step: it needs no names of members in text, and
//! the compiler checks that each field of the current struct gets a value.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;

use crate::parts::{Currency, Idd, Name, Status, map_or_empty_list};
use crate::steps;

/// A country as release 3.0.0 had it. Its prefix, group and id are those of `Country`: the
/// records are the same.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kv(prefix = "country", version = 3)]
#[kv(step(1 => steps::v1_to_v2), step(2 => steps::v2_to_v3))]
pub struct CountryV3 {
    #[kv(id)]
    pub cca3: String,
    pub cca2: String,
    pub ccn3: String,
    pub cioc: Option<String>,
    pub name: Name,
    pub tld: Vec<String>,
    pub independent: Option<bool>,
    pub status: Option<Status>,
    #[serde(deserialize_with = "map_or_empty_list")]
    pub currencies: BTreeMap<String, Currency>,
    pub idd: Idd,
    pub capital: Vec<String>,
    pub region: String,
    pub subregion: String,
    pub languages: BTreeMap<String, String>,
    pub latlng: Vec<f64>,
    /// In English, of women and men alike.
    pub demonym: String,
    pub landlocked: Option<bool>,
    pub borders: Vec<String>,
    pub area: f64,
    pub flag: String,
}
