use std::collections::BTreeMap;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", plain, version_in = "schemaVersion")]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(rename = "schemaVersion")]
    version: u32,
}

#[derive(KvEntity)]
#[kv(prefix = "org", plain, version_in = "_persist.version")]
#[serde(deny_unknown_fields)]
struct Org {
    #[kv(id)]
    id: u64,
    #[serde(alias = "_persist")]
    persist: String,
}

#[derive(KvEntity)]
#[kv(prefix = "team", plain, version = 2, version_in = "v")]
#[kv(removed(name = "v", since = 2))]
struct Team {
    #[kv(id)]
    id: u64,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

fn main() {}
