//! serde's attributes mean on an entity what they mean on a struct: each case is compared with serde's own derives.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{collection, lay, stored};

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Neither `Serialize` nor `Deserialize`, so it needs functions.
#[derive(Debug, Clone, PartialEq, Default)]
struct Plain(u32);

fn write_plain<S: serde::Serializer>(plain: &Plain, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(plain.0 + 1)
}

fn read_plain<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Plain, D::Error> {
    u32::deserialize(deserializer).map(|number| Plain(number - 1))
}

fn seven() -> u32 {
    7
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    left: u8,
    right: u8,
}

/// One list of fields, once as an entity and once as serde alone sees it.
macro_rules! twins {
    ($(#[$attr:meta])* { $($fields:tt)* }) => {
        #[derive(KvEntity, Debug, Clone, PartialEq)]
        #[kv(prefix = "entity")]
        $(#[$attr])*
        struct Entity { #[kv(id)] id: u64, $($fields)* }

        #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
        $(#[$attr])*
        struct Serde { $($fields)* }
    };
}

twins! {
    #[serde(rename_all = "camelCase")]
    {
        first_name: String,
        #[serde(rename = "kind")]
        user_kind: u8,
        #[serde(rename(serialize = "b", deserialize = "a"), alias = "b")]
        renamed_apart: u8,
        #[serde(with = "as_text")]
        as_text: u32,
        #[serde(serialize_with = "write_plain", deserialize_with = "read_plain")]
        plain: Plain,
        #[serde(default)]
        defaulted: u32,
        #[serde(default = "seven")]
        seven: u32,
        #[serde(skip)]
        skipped: u32,
        #[serde(skip_serializing_if = "is_zero", default)]
        sometimes: u32,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
        r#type: Option<u8>,
    }
}

fn twins() -> (Entity, Serde) {
    let json = json!({
        "firstName": "Ada", "kind": 3, "a": 4, "asText": "5", "plain": 6, "defaulted": 7, "seven": 8, "sometimes": 9,
        "left": 1, "right": 2, "further": [1, 2], "type": 1,
    });
    let serde: Serde = serde_json::from_value(json).unwrap();
    let Serde {
        first_name,
        user_kind,
        renamed_apart,
        as_text,
        plain,
        defaulted,
        seven,
        skipped,
        sometimes,
        inner,
        rest,
        r#type,
    } = serde.clone();
    let entity = Entity {
        id: 1,
        first_name,
        user_kind,
        renamed_apart,
        as_text,
        plain,
        defaulted,
        seven,
        skipped,
        sometimes,
        inner,
        rest,
        r#type,
    };
    (entity, serde)
}

#[tokio::test]
async fn values_are_written_as_serde_writes_them() {
    let entities = collection::<Entity>();
    let (mut entity, mut serde) = twins();
    for sometimes in [9, 0] {
        (entity.sometimes, serde.sometimes) = (sometimes, sometimes);
        entities.put(&entity).await.unwrap();
        assert_eq!(stored(entities.store(), "entity:1").await, serde_json::to_value(&serde).unwrap());
    }
}

#[tokio::test]
async fn values_are_read_as_serde_reads_them() {
    let entities = collection::<Entity>();
    let full = serde_json::to_value(twins().1).unwrap();
    // Whole, and without each of its members.
    for missing in std::iter::once(None).chain(full.as_object().unwrap().keys().map(Some)) {
        let mut json = full.clone();
        if let Some(missing) = missing {
            json.as_object_mut().unwrap().remove(missing);
        }
        lay(entities.store(), "entity:1", json.clone()).await;
        let read = entities.get(1).await;
        match serde_json::from_value::<Serde>(json) {
            Ok(serde) => {
                let entity = read.unwrap().unwrap();
                assert_eq!(
                    format!("{entity:?}"),
                    format!("{serde:?}").replace("Serde {", "Entity { id: 1,"),
                    "{missing:?}"
                );
            }
            Err(_) => assert!(read.is_err(), "{missing:?}"),
        }
    }
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "strict")]
#[serde(deny_unknown_fields)]
struct Strict {
    #[kv(id)]
    id: u64,
    name: String,
}

#[tokio::test]
async fn unknown_fields_are_denied_where_serde_says_so() {
    let strict = collection::<Strict>();
    lay(strict.store(), "strict:1", json!({"name": "Ada", "age": 36})).await;
    let error = strict.get(1).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    // What a stored member is called may be a secret as well as what it holds.
    assert!(source.contains("unknown field, expected `name`") && !source.contains("age"), "{source}");
    // The name is the entity's, not that of a hidden struct.
    lay(strict.store(), "strict:1", json!("x")).await;
    let source = std::error::Error::source(&strict.get(1).await.unwrap_err()).unwrap().to_string();
    assert!(source.contains("expected struct Strict"), "{source}");
}

/// The defaults are not those of the fields' types.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "settings")]
#[serde(default)]
struct Settings {
    #[kv(id)]
    id: u64,
    theme: String,
    #[serde(default = "seven")]
    items: u32,
    #[serde(default)]
    depth: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { id: 0, theme: "dark".to_owned(), items: 1, depth: 2 }
    }
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "made")]
#[serde(default = "make")]
struct Made {
    #[kv(id)]
    id: u64,
    theme: String,
}

fn make() -> Made {
    Made { id: 0, theme: "made".to_owned() }
}

#[tokio::test]
async fn missing_fields_are_taken_from_the_whole_entity() {
    let settings = collection::<Settings>();
    lay(settings.store(), "settings:5", json!({})).await;
    let expected = Settings { id: 5, theme: "dark".to_owned(), items: 7, depth: 0 };
    assert_eq!(settings.get(5).await.unwrap(), Some(expected));

    let made = collection::<Made>();
    lay(made.store(), "made:5", json!({})).await;
    assert_eq!(made.get(5).await.unwrap(), Some(Made { id: 5, theme: "made".to_owned() }));
}

/// serde's own derives are on the same struct, and see all of it.
#[derive(KvEntity, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kv(prefix = "both")]
#[serde(rename_all = "UPPERCASE")]
struct Both {
    #[kv(id)]
    id: u64,
    #[serde(default)]
    name: String,
}

#[tokio::test]
async fn serdes_derives_are_not_disturbed() {
    let both = Both { id: 1, name: "x".to_owned() };
    assert_eq!(serde_json::to_value(&both).unwrap(), json!({"ID": 1, "NAME": "x"}));
    let collection = collection::<Both>();
    collection.put(&both).await.unwrap();
    assert_eq!(stored(collection.store(), "both:1").await, json!({"NAME": "x"}));
}

/// In the path of an attribute `Self` is the entity.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "own", version = 2, group = "a", group(name = "b", optional, derive(Debug)))]
struct Own<T: Clone> {
    #[kv(id)]
    id: u64,
    #[serde(default = "Self::seven", skip_serializing_if = "Self::is_seven")]
    number: u32,
    #[kv(added(since = 2))]
    #[serde(
        default = "Self::seven",
        serialize_with = "Self::serialize",
        deserialize_with = "Self::deserialize"
    )]
    added: u32,
    value: T,
    #[kv(group = "b")]
    #[serde(default = "Own::<T>::seven", with = "Self")]
    other: u32,
    #[kv(group = "b")]
    last: Option<T>,
}

impl<T: Clone> Own<T> {
    fn seven() -> u32 {
        7
    }

    fn is_seven(number: &u32) -> bool {
        *number == 7
    }

    fn serialize<S: serde::Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        as_text::serialize(number, serializer)
    }

    fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        as_text::deserialize(deserializer)
    }
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "whole")]
#[serde(default = "Self::made")]
struct Whole {
    #[kv(id)]
    id: u64,
    number: u32,
}

impl Whole {
    fn made() -> Self {
        Self { id: 0, number: 7 }
    }
}

#[tokio::test]
async fn self_in_a_path_is_the_entity() {
    let own = collection::<Own<u8>>();
    let entity = Own { id: 1, number: 7, added: 1, value: 2, other: 3, last: Some(4) };
    own.put(&entity).await.unwrap();
    assert_eq!(stored(own.store(), "own:1:a").await, json!({"added": "1", "value": 2}));
    assert_eq!(stored(own.store(), "own:1:b").await, json!({"other": "3", "last": 4}));
    assert_eq!(own.get(1).await.unwrap(), Some(entity));
    lay(own.store(), "own:2:a", json!({"value": 2})).await;
    let expected = Own { id: 2, number: 7, added: 7, value: 2, other: 7, last: None };
    assert_eq!(own.get(2).await.unwrap(), Some(expected));
    let view: OwnB<u8> = kv_runtime::Kv::new(own.store().clone()).collection().get(1).await.unwrap().unwrap();
    assert_eq!((view.other, view.last), (3, Some(4)));

    let whole = collection::<Whole>();
    lay(whole.store(), "whole:1", json!({})).await;
    assert_eq!(whole.get(1).await.unwrap(), Some(Whole { id: 1, number: 7 }));
}
