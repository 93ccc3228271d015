//! The entities that the tests keep.

use kv_runtime::{KvEntity, Timestamp};

/// One group.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "counter")]
pub struct Counter {
    #[kv(id)]
    pub name: String,
    pub count: u64,
}

/// Three groups: the anchor, a required one and an optional one.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "limits", version = 3, oldest = 3))]
#[kv(group(name = "settings", ttl = "30d", optional, view = "UserPrefs", derive(Debug, Clone, PartialEq)))]
pub struct User {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    #[kv(group = "limits")]
    pub quota: u32,
    #[kv(group = "settings")]
    pub theme: String,
    #[kv(group = "settings")]
    pub max_items: u32,
}

impl User {
    pub fn new(id: u64) -> Self {
        Self { id, name: format!("user {id}"), quota: 10, theme: "dark".to_owned(), max_items: 5 }
    }
}

/// A composite id.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "member")]
pub struct Member {
    #[kv(id)]
    pub org: String,
    #[kv(id)]
    pub team: u32,
    #[kv(id)]
    pub user: i64,
    pub role: String,
}

/// A secret id and a TTL.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "session", ttl = "1h")]
pub struct Session {
    #[kv(id, secret)]
    pub token: String,
    pub user: u64,
}

/// An expiry in a field.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "invite")]
pub struct Invite {
    #[kv(id)]
    pub code: u64,
    #[kv(expires_at)]
    pub until: Option<Timestamp>,
    pub to: String,
}
