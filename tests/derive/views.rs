//! Views: one group of an entity as an entity by itself.

use kv_runtime::{Kv, KvEntity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{collection, stored};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", derive(Debug))]
#[kv(group(
    name = "settings",
    version = 3,
    oldest = 3,
    ttl = "30d",
    optional,
    view = "UserPrefs",
    derive(Debug, Clone, PartialEq)
))]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[kv(id, secret)]
    pub id: u64,
    pub user_name: String,
    #[kv(expires_at)]
    until: Option<Timestamp>,
    #[kv(group = "settings")]
    pub theme: Theme,
    #[kv(group = "settings")]
    #[serde(rename = "items")]
    max_items: u32,
}

#[tokio::test]
async fn a_view_shares_its_keys_with_the_entity() {
    let kv = Kv::new(kv_runtime::store::MemoryStore::new());
    let users = kv.collection::<User>();
    let user = User { id: 123, user_name: "Ada".to_owned(), until: None, theme: Theme::Dark, max_items: 5 };
    users.put(&user).await.unwrap();

    let prefs = kv.collection::<UserPrefs>();
    assert_eq!(prefs.get(123).await.unwrap(), Some(UserPrefs { id: 123, theme: Theme::Dark, max_items: 5 }));
    prefs.update(123, |prefs| prefs.max_items = 6).await.unwrap();
    assert_eq!(users.get(123).await.unwrap(), Some(User { max_items: 6, ..user }));
    assert_eq!(stored(kv.store(), "user:123:settings").await, json!({"theme": "Dark", "items": 6}));
    let profile = kv.collection::<UserProfile>().get(123).await.unwrap().unwrap();
    assert_eq!(format!("{profile:?}"), "UserProfile { id: 123, user_name: \"Ada\", until: None }");
}

#[test]
fn a_view_is_described_as_its_group_is() {
    let (entity, view) = (User::SCHEMA, UserPrefs::SCHEMA);
    assert_eq!(view.name(), "UserPrefs");
    assert_eq!([view.family(), entity.family()], ["User", "User"]);
    assert_eq!(view.prefix(), entity.prefix());
    assert!(view.ids()[0].is_secret());
    let ([group], of_entity) = (view.groups(), &entity.groups()[1]) else { panic!("a view has one group") };
    assert_eq!(group.name(), of_entity.name());
    assert_eq!(group.version(), of_entity.version());
    assert_eq!(group.ttl(), of_entity.ttl());
    assert_eq!(group.codec(), of_entity.codec());
    // Alone it is the anchor, which is never optional.
    assert!(!group.is_optional());
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "page", view = "PageHead", derive(Debug, PartialEq), group(name = "body-2.x"))]
struct Page {
    #[kv(id)]
    path: String,
    title: String,
    #[kv(group = "body-2.x")]
    html: String,
}

#[tokio::test]
async fn names_are_given_or_made() {
    let pages = collection::<Page>();
    pages.put(&Page { path: "p".to_owned(), title: "T".to_owned(), html: "H".to_owned() }).await.unwrap();
    let kv = Kv::new(pages.store().clone());
    let head = kv.collection::<PageHead>().get("p").await.unwrap();
    assert_eq!(head, Some(PageHead { path: "p".to_owned(), title: "T".to_owned() }));
    let body: PageBody2X = kv.collection().get("p").await.unwrap().unwrap();
    assert_eq!(body.html, "H");
}
