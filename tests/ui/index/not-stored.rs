use std::collections::BTreeMap;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "by_id", on(id)), index(name = "by_hits", on(hits, rest)))]
struct User {
    #[kv(id, index)]
    id: u64,
    city: String,
    #[kv(skip, unique)]
    hits: u32,
    #[serde(skip)]
    #[kv(index)]
    shown: u32,
    #[serde(skip_deserializing)]
    #[kv(index)]
    written: u32,
    #[serde(flatten)]
    #[kv(index(name = "by_rest"))]
    rest: BTreeMap<String, String>,
}

fn main() {}
