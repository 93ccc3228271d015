//! A lock as an application has it: `kv-schema.lock` beside this file. It also holds the file's
//! form: a change of it is a new format.

use std::collections::BTreeMap;

use kv_runtime::KvEntity;
use kv_runtime::schema::LockError;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Guest,
    Member { since: u32 },
    Several(Vec<Role>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    street: String,
    #[serde(default)]
    zip: Option<u32>,
    position: (f64, f64),
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
#[kv(group(name = "settings", ttl = "30d", optional, view = "UserPrefs"))]
#[serde(rename_all = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    user_name: String,
    role: Role,
    addresses: BTreeMap<String, Address>,
    #[kv(group = "settings")]
    owner: uuid::Uuid,
    #[kv(group = "settings")]
    #[serde(default)]
    extra: serde_json::Value,
}

#[derive(KvEntity)]
#[kv(prefix = "member", codec = "postcard")]
struct Member {
    #[kv(id)]
    org: String,
    #[kv(id, ordered)]
    number: i32,
    owner: uuid::Uuid,
    hash: [u8; 32],
}

kv_runtime::schema! { App: User, UserPrefs, Member }

#[test]
fn the_schema_is_what_was_released() -> Result<(), LockError> {
    App::schema().check_lock(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema_lock/kv-schema.lock"))
}
