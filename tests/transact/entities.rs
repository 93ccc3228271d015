//! The entities that the tests keep.

use kv_runtime::{KvEntity, Timestamp};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "account")]
pub struct Account {
    #[kv(id)]
    pub id: u64,
    pub cents: i64,
}

impl Account {
    pub const fn new(id: u64, cents: i64) -> Self {
        Self { id, cents }
    }
}

/// Three groups: the anchor, a required one and an optional one.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", view = "Profile", derive(Debug, Clone, PartialEq))]
#[kv(group(name = "limits"))]
#[kv(group(name = "settings", ttl = "30d", optional, view = "Settings", derive(Debug, Clone, PartialEq)))]
pub struct User {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    #[kv(group = "limits")]
    pub quota: u32,
    #[kv(group = "settings")]
    pub theme: String,
}

impl User {
    pub fn new(id: u64) -> Self {
        Self { id, name: format!("user {id}"), quota: 10, theme: "dark".to_owned() }
    }
}

/// A secret id and a TTL.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "session", ttl = "1h")]
pub struct Session {
    #[kv(id, secret)]
    pub token: String,
    pub user: u64,
}

/// A shard by itself.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "team")]
pub struct Team {
    #[kv(id, shard)]
    pub org: u32,
    pub seats: u32,
}

/// A part of the shard of its team, although its id is written otherwise.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "seat")]
pub struct Seat {
    #[kv(id, ordered, shard)]
    pub org: u32,
    #[kv(id)]
    pub user: u64,
    pub paid: bool,
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

/// An older shape, and the shape of today.
pub mod versions {
    use kv_runtime::KvEntity;

    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "note")]
    pub struct NoteV1 {
        #[kv(id)]
        pub id: u64,
        pub title: String,
    }

    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "note", version = 2, oldest = 1)]
    pub struct Note {
        #[kv(id)]
        pub id: u64,
        #[kv(renamed(since = 2, from = "title"))]
        pub heading: String,
        #[kv(added(since = 2, default = 7))]
        pub stars: u32,
    }

    #[derive(KvEntity, Debug, Clone, PartialEq)]
    #[kv(prefix = "note", version = 3, oldest = 3)]
    #[serde(deny_unknown_fields)]
    pub struct NoteV3 {
        #[kv(id)]
        pub id: u64,
        pub body: String,
    }
}
