use std::collections::BTreeMap;

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3)]
struct User {
    #[kv(id, renamed(from = "number", since = 2))]
    id: u64,
    #[kv(added(since = 2))]
    name: String,
    #[kv(skip, added(since = 3))]
    shown: u32,
    #[serde(skip)]
    #[kv(renamed(from = "seen", since = 3))]
    hidden: u32,
    #[serde(flatten)]
    #[kv(added(since = 3))]
    members: BTreeMap<String, u32>,
}

fn main() {}
