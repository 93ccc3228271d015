use std::collections::BTreeMap;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "apart")]
struct Apart {
    #[kv(id)]
    id: u64,
    #[serde(rename(serialize = "b", deserialize = "a"))]
    a: u8,
    #[serde(rename(serialize = "d", deserialize = "c"), alias = "d")]
    c: u8,
}

#[derive(KvEntity)]
#[kv(prefix = "case")]
#[serde(rename_all(serialize = "camelCase"))]
struct Case {
    #[kv(id)]
    id: u64,
    first_name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "left")]
struct LeftOut {
    #[kv(id)]
    id: u64,
    #[serde(skip_serializing)]
    pin: u8,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nick: Option<String>,
}

#[derive(KvEntity)]
#[kv(prefix = "flat")]
struct Flat {
    #[kv(id)]
    id: u64,
    #[serde(flatten)]
    by_number: BTreeMap<u64, String>,
    #[serde(flatten)]
    by_answer: Option<Box<BTreeMap<bool, String>>>,
    #[serde(flatten)]
    wide: BTreeMap<String, u128>,
    #[serde(flatten)]
    raw: BTreeMap<String, Box<serde_json::value::RawValue>>,
}

#[derive(KvEntity)]
#[kv(prefix = "alias", version = 2)]
struct Alias {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2))]
    #[serde(alias = "title")]
    name: String,
    #[kv(renamed(from = "old", since = 2))]
    #[serde(alias = "older")]
    new: String,
}

#[derive(KvEntity)]
#[kv(prefix = "endless", version = 2, removed(name = "old", since = 2, default = vec![f32::NAN]))]
struct Endless {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2, default = Some(f64::INFINITY)))]
    far: Option<f64>,
}

#[derive(KvEntity)]
#[kv(prefix = "meeting")]
struct Meeting {
    #[kv(id)]
    id: u64,
    #[serde(alias = "title")]
    name: String,
    title: String,
    #[serde(alias = "number", alias = "name")]
    #[serde(rename(serialize = "count", deserialize = "amount"), alias = "count")]
    count: u8,
    amount: u8,
    #[serde(alias = "number")]
    total: u8,
    // A field that is never read takes no name.
    #[serde(alias = "total", skip_serializing, skip_deserializing)]
    cached: u8,
}

fn main() {}
