//! Version 5 of the entity: the current shape, that of release 5.1.0 of the data,
//! and how the oldest struct becomes one.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;

use crate::country_v3::CountryV3;
use crate::parts::{Currency, Demonym, Idd, Name, Status, map_or_empty_list};

/// A country, under `country:CHE`.
///
/// The attributes say how an old record becomes one of these:
///
/// - up to version 3 it is read as `CountryV3`, which brings versions 1 and 2 to its own by
///   functions, and `From` does the rest;
/// - from 4 to 5 two fields were added, and an attribute on each is all it takes.
///
/// What a release did not know yet is `None`: a migration makes nothing up.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kv(prefix = "country", version = 5, previous = CountryV3)]
pub struct Country {
    #[kv(id)]
    pub cca3: String,
    pub cca2: String,
    pub ccn3: String,
    pub cioc: Option<String>,
    pub name: Name,
    pub tld: Vec<String>,
    pub independent: Option<bool>,
    pub status: Option<Status>,
    #[kv(added(since = 5))]
    pub un_member: Option<bool>,
    #[kv(added(since = 5))]
    pub un_regional_group: Option<String>,
    /// By code. Four records of release 4.0.0 have `[]` where they mean `{}`.
    #[serde(deserialize_with = "map_or_empty_list")]
    pub currencies: BTreeMap<String, Currency>,
    pub idd: Idd,
    pub capital: Vec<String>,
    pub region: String,
    pub subregion: String,
    /// From ISO 639-3 codes to English names.
    pub languages: BTreeMap<String, String>,
    pub latlng: Vec<f64>,
    /// By the language in which they are said.
    pub demonyms: BTreeMap<String, Demonym>,
    pub landlocked: Option<bool>,
    pub borders: Vec<String>,
    /// In km²; -1 where it is not known.
    pub area: f64,
    pub flag: String,
}

/// A step that can fail is a `TryFrom`.
impl From<CountryV3> for Country {
    fn from(old: CountryV3) -> Self {
        let english = Demonym { f: old.demonym.clone(), m: old.demonym };
        Self {
            demonyms: BTreeMap::from([("eng".to_owned(), english)]),
            // A predecessor is converted to the current struct, so this sets the fields of version
            // 5 as well.
            un_member: None,
            un_regional_group: None,
            cca3: old.cca3,
            cca2: old.cca2,
            ccn3: old.ccn3,
            cioc: old.cioc,
            name: old.name,
            tld: old.tld,
            independent: old.independent,
            status: old.status,
            currencies: old.currencies,
            idd: old.idd,
            capital: old.capital,
            region: old.region,
            subregion: old.subregion,
            languages: old.languages,
            latlng: old.latlng,
            landlocked: old.landlocked,
            borders: old.borders,
            area: old.area,
            flag: old.flag,
        }
    }
}
