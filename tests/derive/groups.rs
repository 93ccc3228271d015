//! Several groups: each its own key, value, version and TTL.

use std::time::Duration;

use kv_runtime::{Codec, Error, KvEntity};
use serde_json::json;

use super::{collection, lay, stored};

fn ten() -> u32 {
    10
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", version = 1, ttl = "1h")]
#[kv(
    group(name = "settings", optional, ttl = "30d"),
    group(name = "counts", version = 4, oldest = 4, codec = "postcard")
)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
    #[kv(group = "settings")]
    #[serde(default = "ten")]
    items: u32,
    #[kv(group = "counts")]
    visits: u64,
    /// The first group can be named, too.
    #[kv(group = "profile")]
    email: String,
}

fn ada() -> User {
    User {
        id: 1,
        name: "Ada".to_owned(),
        theme: "dark".to_owned(),
        items: 3,
        visits: 300,
        email: "ada@example.org".to_owned(),
    }
}

#[tokio::test]
async fn each_group_is_a_record() {
    let users = collection::<User>();
    users.put(&ada()).await.unwrap();
    let store = users.store();
    assert_eq!(stored(store, "user:1:profile").await, json!({"name": "Ada", "email": "ada@example.org"}));
    assert_eq!(stored(store, "user:1:settings").await, json!({"theme": "dark", "items": 3}));
    assert_eq!(users.get(1).await.unwrap(), Some(ada()));
}

#[test]
fn each_group_has_its_own_schema() {
    let groups = User::SCHEMA.groups();
    let names: Vec<_> = groups.iter().map(|group| group.name()).collect();
    assert_eq!(names, [Some("profile"), Some("settings"), Some("counts")]);
    let versions: Vec<_> = groups.iter().map(|group| group.version()).collect();
    assert_eq!(versions, [1, 1, 4]);
    let codecs: Vec<_> = groups.iter().map(|group| group.codec()).collect();
    assert_eq!(codecs, [Codec::Json, Codec::Json, Codec::Postcard]);
    let hours: Vec<_> = groups.iter().map(|group| group.ttl().map(|ttl| ttl.as_secs() / 3600)).collect();
    assert_eq!(hours, [Some(1), Some(30 * 24), Some(1)]);
    let optional: Vec<_> = groups.iter().map(|group| group.is_optional()).collect();
    assert_eq!(optional, [false, true, false]);
}

#[tokio::test]
async fn a_missing_optional_group_is_its_fields_defaults() {
    let users = collection::<User>();
    users.put(&ada()).await.unwrap();
    let settings = kv_runtime::Kv::new(users.store().clone()).collection::<UserSettings>();
    settings.delete(1).await.unwrap();
    assert_eq!(users.get(1).await.unwrap(), Some(User { theme: String::new(), items: 10, ..ada() }));
}

#[tokio::test]
async fn a_missing_required_group_is_an_error() {
    let users = collection::<User>();
    users.put(&ada()).await.unwrap();
    kv_runtime::Kv::new(users.store().clone()).collection::<UserCounts>().delete(1).await.unwrap();
    assert!(matches!(users.get(1).await, Err(Error::Incomplete { group: "counts", .. })));
}

#[tokio::test]
async fn without_its_anchor_there_is_no_entity() {
    let users = collection::<User>();
    lay(users.store(), "user:1:settings", json!({"theme": "dark", "items": 3})).await;
    assert_eq!(users.get(1).await.unwrap(), None);
}

/// The anchor is without a name, since a field is left in no group.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "page", version = 3, oldest = 3, ttl = "5m", group(name = "body", ttl = "10m"))]
struct Page {
    #[kv(id)]
    path: String,
    title: String,
    #[kv(group = "body")]
    html: String,
}

/// Every field is in a `group(...)`, so the first of these is the anchor.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "job", group(name = "spec", version = 2, oldest = 2), group(name = "state", optional))]
#[serde(default)]
struct Job {
    #[kv(id)]
    id: u64,
    #[kv(group = "state")]
    progress: u8,
    #[kv(group = "spec")]
    command: String,
}

impl Default for Job {
    fn default() -> Self {
        Self { id: 0, progress: 50, command: "true".to_owned() }
    }
}

#[tokio::test]
async fn the_anchor_is_the_first_group() {
    let groups = Page::SCHEMA.groups();
    assert_eq!([groups[0].name(), groups[1].name()], [None, Some("body")]);
    assert_eq!([groups[0].version(), groups[1].version()], [3, 1]);
    assert_eq!(
        [groups[0].ttl(), groups[1].ttl()],
        [Some(300), Some(600)].map(|secs| secs.map(Duration::from_secs))
    );
    let groups = Job::SCHEMA.groups();
    assert_eq!([groups[0].name(), groups[1].name()], [Some("spec"), Some("state")]);

    let pages = collection::<Page>();
    let page = Page { path: "a:b".to_owned(), title: "T".to_owned(), html: "<p>".to_owned() };
    pages.put(&page).await.unwrap();
    assert_eq!(stored(pages.store(), "page:a%3Ab").await, json!({"title": "T"}));
    assert_eq!(stored(pages.store(), "page:a%3Ab:body").await, json!({"html": "<p>"}));
    assert_eq!(pages.get("a:b").await.unwrap(), Some(page));
}

#[tokio::test]
async fn a_missing_group_takes_the_defaults_of_the_struct() {
    let jobs = collection::<Job>();
    let job = Job { id: 1, progress: 1, command: "ls".to_owned() };
    jobs.put(&job).await.unwrap();
    let states = kv_runtime::Kv::new(jobs.store().clone()).collection::<JobState>();
    states.delete(1).await.unwrap();
    assert_eq!(jobs.get(1).await.unwrap(), Some(Job { progress: 50, ..job }));
    // In a view as well.
    lay(jobs.store(), "job:1:state", json!({})).await;
    assert_eq!(states.get(1).await.unwrap().map(|state| state.progress), Some(50));
}

/// clippy takes the second `optional` for a mistake; the attribute that quiets it is the one that the documentation names.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two groups may be alike")]
#[kv(prefix = "alike", group(name = "main"), group(name = "a", optional), group(name = "b", optional))]
struct Alike {
    #[kv(id)]
    id: u64,
    #[kv(group = "main")]
    name: String,
    #[kv(group = "a")]
    one: u8,
    #[kv(group = "b")]
    two: u8,
}

#[tokio::test]
async fn groups_may_be_alike() {
    let alikes = collection::<Alike>();
    let alike = Alike { id: 1, name: "n".to_owned(), one: 1, two: 2 };
    alikes.put(&alike).await.unwrap();
    let views = kv_runtime::Kv::new(alikes.store().clone());
    views.collection::<AlikeA>().delete(1).await.unwrap();
    assert_eq!(alikes.get(1).await.unwrap(), Some(Alike { one: 0, ..alike.clone() }));
    views.collection::<AlikeB>().delete(1).await.unwrap();
    assert_eq!(alikes.get(1).await.unwrap(), Some(Alike { one: 0, two: 0, ..alike }));
}
