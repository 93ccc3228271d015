//! A shard id stands alone or leads others, is of any id type, and may be `ordered` and `secret`. Plain
//! records can have one, because their keys are this library's own.

use kv_runtime::{KvEntity, KvId};

#[derive(KvId, Clone, PartialEq, Eq, Hash, Debug)]
struct OrgId(String);

#[derive(KvEntity)]
#[kv(prefix = "org")]
struct Org {
    #[kv(id, shard)]
    id: OrgId,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings", optional))]
struct User {
    #[kv(id, shard, secret)]
    org: OrgId,
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "order", plain)]
struct Order {
    #[kv(id, shard, ordered)]
    org: u64,
    #[kv(id)]
    number: u32,
    cents: u64,
}

kv_runtime::schema! { App: Org, User, UserProfile, UserSettings, Order }

fn main() {
    let sharded = |ids: &[kv_runtime::key::IdSchema]| ids.iter().map(|id| id.is_shard()).collect::<Vec<_>>();
    assert_eq!(sharded(Org::SCHEMA.ids()), [true]);
    assert_eq!(sharded(UserSettings::SCHEMA.ids()), [true, false]);
    assert_eq!(sharded(Order::SCHEMA.ids()), [true, false]);
}
