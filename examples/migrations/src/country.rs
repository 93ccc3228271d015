//! Version 5 of the entity: the current shape, that of release 5.1.0 of the data.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use kv_runtime::KvEntity;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::country_v3::CountryV3;

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

/// What a country is called.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Name {
    pub common: String,
    pub official: Option<String>,
    /// By language.
    pub native: BTreeMap<String, NativeName>,
}

/// What it is called in one of its languages.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct NativeName {
    pub common: String,
    pub official: Option<String>,
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
    pub name: Option<String>,
    pub symbol: Option<String>,
}

/// How to call it from abroad: the root, then one of the suffixes.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Idd {
    pub root: String,
    pub suffixes: Vec<String>,
}

/// What a woman and a man of it are called.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Demonym {
    pub f: String,
    pub m: String,
}

/// Reads a map that somebody wrote in PHP, where an empty one and an empty list are the same. It is
/// written as a map again.
///
/// Not every quirk needs a version: this one does not change what the member means, and tells
/// itself from the bytes.
pub fn map_or_empty_list<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct MapOrEmptyList<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOrEmptyList<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map, or an empty list in its place")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut read = BTreeMap::new();
            while let Some((key, value)) = map.next_entry()? {
                read.insert(key, value);
            }
            Ok(read)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            match list.next_element::<T>() {
                Ok(None) => Ok(BTreeMap::new()),
                _ => Err(serde::de::Error::custom("only an empty list is read as a map")),
            }
        }
    }

    deserializer.deserialize_any(MapOrEmptyList(PhantomData))
}
