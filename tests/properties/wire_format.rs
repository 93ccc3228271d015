//! kv-runtime/docs/wire-format.md says what is so: every example in it, in both directions.

use std::fmt::Debug;
use std::str::FromStr;

use kv_runtime::__private::{id_of, key_of};
use kv_runtime::index::{IndexParts, IndexValue};
use kv_runtime::record::{Metadata, Revision, envelope};
use kv_runtime::{KvEntity, KvId, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

const PAGE: &str = include_str!("../../kv-runtime/docs/wire-format.md");

/// The examples in the code block of this name.
fn examples<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let start = format!("\n```json {name}\n");
    let (_, rest) = PAGE.split_once(&start).unwrap_or_else(|| panic!("there is no block `{name}`"));
    let (block, _) = rest.split_once("\n```\n").expect("the block ends");
    let examples: Vec<T> =
        serde_json::from_str(block).unwrap_or_else(|error| panic!("block `{name}`: {error}"));
    assert!(!examples.is_empty(), "the block `{name}` is empty");
    examples
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<char> = hexadecimal.chars().filter(|digit| !digit.is_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "{hexadecimal}");
    let byte =
        |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("is hexadecimal");
    digits.chunks(2).map(byte).collect()
}

#[derive(Deserialize)]
struct Segment {
    r#type: String,
    #[serde(default)]
    ordered: bool,
    id: String,
    segment: String,
}

#[derive(Deserialize)]
struct NotSegments {
    r#type: String,
    #[serde(default)]
    ordered: bool,
    segments: Vec<String>,
}

/// An entity with an id of one type, and the way from and to its segments.
trait Typed: KvEntity {
    fn id_from_text(text: &str) -> Self::Id;

    fn assert_written(id: &str, segment: &str) {
        let id = Self::id_from_text(id);
        let key = format!("t:{segment}");
        assert_eq!(key_of::<Self>(&id).as_str(), key);
        assert_eq!(id_of::<Self>(&key), Some(id));
    }

    fn assert_no_key_of(segment: &str) {
        let id = id_of::<Self>(&format!("t:{segment}"));
        assert_eq!(id, None, "{segment:?} as {}", Self::SCHEMA.name());
    }
}

fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("is an id of the type")
}

macro_rules! typed {
    ($($entity:ident: $id:ty, $($ordered:ident)?;)*) => {$(
        #[derive(KvEntity)]
        #[kv(prefix = "t")]
        struct $entity {
            #[kv(id $(, $ordered)?)]
            id: $id,
        }

        impl Typed for $entity {
            fn id_from_text(text: &str) -> $id {
                parsed(text)
            }
        }
    )*};
}

typed! {
    U8: u8,; U64: u64,; U128: u128,; I32: i32,; I64: i64,; Bool: bool,; Char: char,; Text: String,; Id: Uuid,;
    U8Ordered: u8, ordered; U16Ordered: u16, ordered; U32Ordered: u32, ordered; U64Ordered: u64, ordered;
    U128Ordered: u128, ordered; I8Ordered: i8, ordered; I64Ordered: i64, ordered;
}

/// Calls `$check` with the entity that has an id of this type.
macro_rules! with_type {
    ($of:expr, $method:ident($($argument:expr),*)) => {
        match ($of.r#type.as_str(), $of.ordered) {
            ("u8", false) => U8::$method($($argument),*),
            ("u64", false) => U64::$method($($argument),*),
            ("u128", false) => U128::$method($($argument),*),
            ("i32", false) => I32::$method($($argument),*),
            ("i64", false) => I64::$method($($argument),*),
            ("bool", false) => Bool::$method($($argument),*),
            ("char", false) => Char::$method($($argument),*),
            ("text", false) => Text::$method($($argument),*),
            ("uuid", false) => Id::$method($($argument),*),
            ("u8", true) => U8Ordered::$method($($argument),*),
            ("u16", true) => U16Ordered::$method($($argument),*),
            ("u32", true) => U32Ordered::$method($($argument),*),
            ("u64", true) => U64Ordered::$method($($argument),*),
            ("u128", true) => U128Ordered::$method($($argument),*),
            ("i8", true) => I8Ordered::$method($($argument),*),
            ("i64", true) => I64Ordered::$method($($argument),*),
            (other, ordered) => panic!("no entity has an id of {other}, ordered: {ordered}"),
        }
    };
}

#[test]
fn segments() {
    for example in examples::<Segment>("segments") {
        with_type!(example, assert_written(&example.id, &example.segment));
    }
}

#[test]
fn what_is_no_segment() {
    for example in examples::<NotSegments>("not-segments") {
        for segment in &example.segments {
            with_type!(example, assert_no_key_of(segment));
        }
    }
}

#[derive(KvId, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[kv(rename_all = "kebab-case")]
enum State {
    InUse,
}

#[derive(KvEntity)]
#[kv(prefix = "t")]
struct OfState {
    #[kv(id)]
    id: State,
}

#[test]
fn an_enum_is_written_as_its_variant() {
    assert!(PAGE.contains("after `rename` and `rename_all` | `in-use` |"));
    assert_key::<OfState>(&State::InUse, "t:in-use");
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    value: Option<String>,
    part: String,
}

fn part<V: IndexValue>(value: &V) -> String {
    let mut parts = IndexParts::new();
    value.write(&mut parts);
    parts.as_str().to_owned()
}

#[test]
fn parts_of_index_entries() {
    for Part { r#type, value, part: expected } in examples("index-parts") {
        let text = value.clone().unwrap_or_default();
        let written = match r#type.as_str() {
            "u64" => part(&parsed::<u64>(&text)),
            "i8" => part(&parsed::<i8>(&text)),
            "moment" => part(&Timestamp::from_millis(parsed(&text))),
            "bool" => part(&parsed::<bool>(&text)),
            "text" => part(&text),
            "optional text" => part(&value),
            other => panic!("{other}"),
        };
        assert_eq!(written, expected + "!", "{value:?}");
    }
}

#[derive(Deserialize)]
struct WholeKey {
    entity: String,
    ids: Vec<String>,
    key: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id)]
    id: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "member")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id)]
    user: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "app:cache", group = "v")]
struct Cached {
    #[kv(id)]
    name: String,
}

fn assert_key<E: KvEntity>(id: &E::Id, key: &str) {
    assert_eq!(key_of::<E>(id).as_str(), key);
    assert_eq!(id_of::<E>(key).as_ref(), Some(id));
}

#[test]
fn whole_keys() {
    for WholeKey { entity, ids, key } in examples("keys") {
        match (entity.as_str(), &ids[..]) {
            ("user", [id]) => assert_key::<User>(&parsed(id), &key),
            ("member", [org, user]) => assert_key::<Member>(&(org.clone(), parsed(user)), &key),
            ("app:cache", [name]) => assert_key::<Cached>(name, &key),
            (other, ids) => panic!("{other} has other ids than {ids:?}"),
        }
    }
}

fn metadata(json: &Value) -> Metadata {
    Metadata::from_json(json.to_string().as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[derive(Deserialize)]
struct ReadAndWritten {
    read: Value,
    written: Value,
}

#[test]
fn metadata_as_json() {
    for ReadAndWritten { read, written } in examples("metadata") {
        let again: Value = serde_json::from_str(&metadata(&read).to_json()).expect("is JSON");
        assert_eq!(again, written, "{read}");
        assert_eq!(metadata(&written), metadata(&read), "{read}");
    }
}

#[test]
fn what_is_no_metadata() {
    for text in examples::<String>("not-metadata") {
        assert!(Metadata::from_json(text.as_bytes()).is_err(), "{text}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enveloped {
    bytes: String,
    metadata: Value,
    expires_at: Option<u64>,
    revision: String,
    value: Option<String>,
    hex: Option<String>,
}

impl Enveloped {
    fn value(&self) -> Vec<u8> {
        match (&self.value, &self.hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(hexadecimal)) => bytes(hexadecimal),
            _ => panic!("{}: the value is text or hexadecimal", self.bytes),
        }
    }
}

#[test]
fn envelopes() {
    for example in examples::<Enveloped>("envelopes") {
        let (stored, value) = (bytes(&example.bytes), example.value());
        let token = u64::from_str_radix(&example.revision, 16).expect("is hexadecimal");
        let expires_at = example.expires_at.map(Timestamp::from_millis);

        let record = envelope::open(stored.clone().into())
            .unwrap_or_else(|error| panic!("{}: {error}", example.bytes));
        assert_eq!(record.metadata, metadata(&example.metadata), "{}", example.bytes);
        assert_eq!(record.expires_at, expires_at, "{}", example.bytes);
        assert_eq!(record.revision, Revision::from_token(token), "{}", example.bytes);
        assert_eq!(record.value[..], value, "{}", example.bytes);

        let mut written = Vec::new();
        envelope::write(&metadata(&example.metadata), expires_at, token, &mut written).expect("is short");
        written.extend(value);
        assert_eq!(written, stored, "{}", example.bytes);
    }
}

#[test]
fn the_usual_envelope_has_the_size_that_the_page_says() {
    let page = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains("an envelope has 26 to 30 bytes"));
    let time = Some(Timestamp::MAX);
    for (version, size) in [(1, 26), (u32::MAX, 30)] {
        let mut written = Vec::new();
        let metadata = Metadata::new(version, kv_runtime::Codec::Json).with_created_at(time);
        envelope::write(&metadata, time, u64::MAX, &mut written).expect("is short");
        assert_eq!(written.len(), size);
    }
}

#[test]
fn plain_values() {
    for value in examples::<String>("plain") {
        let record = envelope::open(value.clone().into()).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!((record.metadata, record.expires_at), (Metadata::default(), None), "{value}");
        assert_eq!(record.revision, Revision::from_plain(value.clone().into()), "{value}");
        assert_eq!(record.value[..], *value.as_bytes());
    }
}

#[derive(Deserialize)]
struct NotEnvelope {
    bytes: String,
    why: String,
}

#[test]
fn what_is_no_envelope() {
    for NotEnvelope { bytes: stored, why } in examples("not-envelopes") {
        assert!(envelope::open(bytes(&stored).into()).is_err(), "{stored} is read, and is {why}");
    }
}
