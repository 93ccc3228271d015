//! An entity in shards, whose indexes begin with the shard id.

use kv_runtime::KvEntity;

/// A member of an organisation, with an email that is unique within it.
#[allow(clippy::duplicated_attributes, reason = "both indexes begin with the shard id")]
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(
    prefix = "member",
    group = "who",
    view = "MemberWho",
    group(name = "stats", optional, view = "MemberStats")
)]
#[kv(index(name = "email", on(org, email), unique), index(name = "by_city", on(org, city)))]
pub struct Member {
    #[kv(id, shard)]
    pub org: String,
    #[kv(id)]
    pub id: u64,
    pub email: String,
    pub city: Option<String>,
    #[kv(group = "stats")]
    #[serde(default)]
    pub logins: u64,
}

impl Member {
    pub fn new(org: &str, id: u64, email: &str, city: Option<&str>) -> Self {
        let (org, email, city) = (org.to_owned(), email.to_owned(), city.map(str::to_owned));
        Self { org, id, email, city, logins: 0 }
    }

    /// What the view of the group with the indexes has of it.
    pub fn who(self) -> MemberWho {
        let Self { org, id, email, city, .. } = self;
        MemberWho { org, id, email, city }
    }
}

/// The same records for a program that knows no index.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "member", group = "who", group(name = "stats", optional))]
pub struct OlderMember {
    #[kv(id, shard)]
    pub org: String,
    #[kv(id)]
    pub id: u64,
    pub email: String,
    pub city: Option<String>,
    #[kv(group = "stats")]
    #[serde(default)]
    pub logins: u64,
}
