//! The entities: a country as in the newest release of the data, and as in the oldest one.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

/// A country of the newest release, in two groups: fields that every page shows, and fields that
/// are seldom read.
///
/// The store needs only `KvEntity`. `Deserialize` reads the release's file, which has the same
/// members. An entity derives serde's traits only if the application needs them for something else.
#[derive(KvEntity, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kv(prefix = "country", group = "profile")]
#[kv(group(name = "facts"))]
pub struct Country {
    // The ids are the key, `country:Europe:DEU`, and are not in the value. The region comes first,
    // so that a list can stop at it.
    #[kv(id)]
    pub region: String,
    #[kv(id)]
    pub cca3: String,

    // country:Europe:DEU:profile
    pub name: Name,
    pub capital: Vec<String>,
    pub flag: String,
    /// `null` in the data where it is disputed.
    pub independent: Option<bool>,
    /// Not in the data: counted by this program.
    #[serde(default)]
    pub visits: u64,

    // country:Europe:DEU:facts
    #[kv(group = "facts")]
    pub subregion: String,
    #[kv(group = "facts")]
    pub status: Status,
    #[kv(group = "facts")]
    pub currencies: BTreeMap<String, Currency>,
    #[kv(group = "facts")]
    pub languages: BTreeMap<String, String>,
    #[kv(group = "facts")]
    pub idd: Idd,
    #[kv(group = "facts")]
    pub demonyms: BTreeMap<String, Demonym>,
    #[kv(group = "facts")]
    pub borders: Vec<String>,
    #[kv(group = "facts")]
    pub latlng: (f64, f64),
    #[kv(group = "facts")]
    pub area: f64,
    #[kv(group = "facts")]
    pub landlocked: bool,
    #[kv(group = "facts")]
    pub un_member: bool,
    #[kv(group = "facts")]
    pub tld: Vec<String>,
}

/// What a country is called.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Name {
    pub common: String,
    pub official: String,
    /// By language.
    pub native: BTreeMap<String, NativeName>,
}

/// What it is called in one of its languages.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct NativeName {
    pub common: String,
    pub official: String,
}

/// Whether its code is one of ISO 3166.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    OfficiallyAssigned,
    UserAssigned,
}

/// Money.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Currency {
    pub name: String,
    pub symbol: String,
}

/// How to call it from abroad.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Idd {
    pub root: String,
    pub suffixes: Vec<String>,
}

/// What its people are called.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Demonym {
    pub f: String,
    pub m: String,
}

/// A country as release 1.4.0 had it: one group without a name, so the key is `country-v1:DEU`.
#[derive(KvEntity, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kv(prefix = "country-v1")]
pub struct CountryV1 {
    #[kv(id)]
    pub cca3: String,
    pub name: String,
    pub native_name: String,
    pub capital: String,
    pub region: String,
    pub currency: Vec<String>,
    pub calling_code: Vec<String>,
    pub language: Vec<String>,
    pub demonym: String,
    pub area: f64,
}
