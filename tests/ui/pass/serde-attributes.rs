use std::borrow::Cow;
use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use serde::{Deserialize, Serialize};

fn seven() -> u32 {
    7
}

/// serde's derives beside ours, on the same attributes.
#[derive(KvEntity, Serialize, Deserialize)]
#[kv(prefix = "user", group = "profile", group(name = "settings", optional))]
#[serde(
    rename_all = "camelCase",
    rename = "Person",
    deny_unknown_fields,
    expecting = "a person",
    default = "User::new"
)]
struct User {
    #[kv(id)]
    id: u64,
    #[serde(alias = "nick", alias = "a", rename(serialize = "a", deserialize = "b"))]
    user_name: Cow<'static, str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default = "BTreeMap::new")]
    map: BTreeMap<String, u8>,
    #[serde(skip)]
    skipped: u8,
    #[kv(group = "settings")]
    #[serde(default = "seven", skip_serializing)]
    items: u32,
    #[kv(group = "settings")]
    theme: Option<String>,
}

impl User {
    fn new() -> Self {
        Self { id: 0, user_name: "new".into(), map: BTreeMap::new(), skipped: 0, items: 1, theme: None }
    }
}

fn main() {
    let user = User::new();
    assert_eq!((user.id(), user.user_name.len() + user.map.len()), (0, 3));
    assert_eq!((user.skipped, user.items, user.theme), (0, 1, None));
}
