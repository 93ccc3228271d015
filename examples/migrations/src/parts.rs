//! What the structs of several versions are made of.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
