use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::trace;

fn text<T: DeserializeOwned>() -> String {
    trace::<T>(true).to_string()
}

macro_rules! types {
    ($($item:item)*) => {$(
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "read by the derive alone")]
        $item
    )*};
}

types! {
    struct Address { street: String, #[serde(rename = "postCode")] zip: Option<u32> }
    struct Wrapped(u64);
    struct Pair(u8, Address);
    struct Tree { value: i8, children: Vec<Tree>, parent: Option<Box<Tree>> }
    struct Generic<T> { inner: T }
    struct Twice { one: Generic<u8>, two: Generic<String>, other: inner::Address }
    struct Strict { id: IpAddr, after: Refused, last: bool, no_zero: NonZeroU8 }
    enum Role { Admin, Editor(u8), Owner { since: u64, by: Refused, of: Vec<Role> }, Two(u8, bool) }
    struct Flat { own: u8, #[serde(flatten)] rest: BTreeMap<String, u8> }
    struct Renamed { #[serde(alias = "a", alias = "z")] name: u8, #[serde(default)] age: u8, opt: Option<u8>, id: u16 }
    struct HasFlat { before: u8, flat: Flat, after: u8 }
}

mod inner {
    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "read by the derive alone")]
    pub(super) struct Address {
        pub(super) city: String,
    }
}

#[derive(Deserialize)]
#[serde(tag = "type")]
#[expect(dead_code, reason = "read by the derive alone")]
enum Tagged {
    Circle { radius: f64 },
    Square { side: f64 },
}

#[derive(Deserialize)]
#[serde(tag = "t", content = "c")]
#[expect(dead_code, reason = "read by the derive alone")]
enum Adjacent {
    One,
    Two(u8),
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "read by the derive alone")]
enum Untagged {
    Number(u8),
    Text(String),
}

/// Refuses whatever is invented.
struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "a word that nobody guesses" => Ok(Self),
            _ => Err(serde::de::Error::custom("not the word")),
        }
    }
}

struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        panic!("cannot take {text:?}");
    }
}

#[test]
fn plain_types() {
    assert_eq!(text::<u64>(), "u64");
    assert_eq!(text::<Option<Vec<String>>>(), "[string, ...] or null");
    assert_eq!(text::<HashMap<u32, BTreeSet<char>>>(), "{u32: [char, ...], ...}");
    assert_eq!(text::<([u8; 3], (u8, bool), ())>(), "[[u8; 3], [u8, bool], null]");
    assert_eq!(text::<Duration>(), "{secs: u64, nanos: u32}");
    assert_eq!(text::<NonZeroU8>(), "u8 as NonZero<u8>");
    assert_eq!(text::<IpAddr>(), "string as IpAddr");
}

#[test]
fn nested_types() {
    assert_eq!(text::<Address>(), "{street: string, postCode: u32 or null}");
    assert_eq!(text::<Wrapped>(), "u64");
    assert_eq!(text::<Pair>(), "[u8, {street: string, postCode: u32 or null}]");
    assert_eq!(text::<Tree>(), "{value: i8, children: [itself, ...], parent: itself or null}");
}

#[test]
fn generics_and_types_with_the_same_name_are_different() {
    assert_eq!(text::<Twice>(), "{one: {inner: u8}, two: {inner: string}, other: {city: string}}");
    assert_eq!(
        text::<(Address, inner::Address)>(),
        "[{street: string, postCode: u32 or null}, {city: string}]"
    );
}

#[test]
fn what_refuses_values_hides_nothing_else() {
    assert_eq!(
        text::<Strict>(),
        "{id: string as IpAddr, after: string, last: bool, no_zero: u8 as NonZero<u8>}"
    );
    assert_eq!(
        text::<Role>(),
        "Admin | Editor(u8) | Owner({since: u64, by: string, of: [itself, ...]}) | Two([u8, bool])"
    );
    assert_eq!(text::<(Refused, u8)>(), "[string, something unknown]");
}

#[test]
fn what_tells_nothing_is_opaque() {
    assert_eq!(text::<HasFlat>(), "{before: u8, flat: whatever `Flat` stores, after: u8}");
    assert_eq!(text::<Generic<Untagged>>(), "{inner: whatever `Untagged` stores}");
    assert_eq!(text::<Generic<serde_json::Value>>(), "{inner: whatever `Value` stores}");
    assert_eq!(text::<Generic<Tagged>>(), "{inner: by `type`: Circle | Square}");
    assert_eq!(text::<Generic<Adjacent>>(), "{inner: {t: One | Two, c: whatever `Adjacent` stores}}");
}

#[test]
fn a_panic_is_a_refusal() {
    assert_eq!(text::<Generic<Panics>>(), "{inner: string}");
}

#[test]
fn aliases_and_defaults_are_found_out() {
    let shape = serde_json::to_value(trace::<Renamed>(true)).unwrap();
    let fields = shape["struct"]["fields"].as_array().unwrap();
    let told: Vec<_> =
        fields.iter().map(|it| (it["name"].as_str().unwrap(), &it["can_be_missing"])).collect();
    assert_eq!(
        told,
        [
            ("name", &serde_json::json!(false)),
            ("age", &true.into()),
            ("opt", &true.into()),
            ("id", &false.into())
        ]
    );
}
