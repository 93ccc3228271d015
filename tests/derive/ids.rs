//! Ids and keys.

use kv_runtime::store::StoreExt;
use kv_runtime::{KvEntity, Timestamp};
use serde_json::json;

use super::{collection, stored};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[tokio::test]
async fn the_id_is_in_the_key_and_not_in_the_value() {
    let users = collection::<User>();
    let user = User { id: 123, name: "Ada".to_owned() };
    users.put(&user).await.unwrap();
    assert_eq!(stored(users.store(), "user:123:profile").await, json!({"name": "Ada"}));
    assert_eq!(users.get(123).await.unwrap().as_ref(), Some(&user));
    assert_eq!(user.id(), 123);
    assert_eq!(User::SCHEMA.name(), "User");
    assert_eq!(User::SCHEMA.prefix(), "user");
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "org:event")]
struct Event {
    // The order of the ids is that of the key, wherever the other fields stand.
    title: String,
    #[kv(id)]
    org: String,
    seats: u32,
    #[kv(id, ordered)]
    day: i16,
    #[kv(id)]
    #[kv(secret)]
    code: char,
}

#[tokio::test]
async fn several_ids_are_a_tuple_in_their_order() {
    let events = collection::<Event>();
    let event = Event { title: "Fair".to_owned(), org: "a:b".to_owned(), seats: 9, day: -1, code: 'x' };
    events.put(&event).await.unwrap();
    let key = "org:event:a%3Ab:32767:x";
    assert_eq!(stored(events.store(), key).await, json!({"title": "Fair", "seats": 9}));
    assert_eq!(events.get(("a:b", -1, 'x')).await.unwrap(), Some(event.clone()));
    assert_eq!(event.id(), ("a:b".to_owned(), -1, 'x'));
    let names: Vec<&str> = Event::SCHEMA.ids().iter().map(|id| id.name()).collect();
    assert_eq!(names, ["org", "day", "code"]);
    let words: Vec<(bool, bool)> =
        Event::SCHEMA.ids().iter().map(|id| (id.is_ordered(), id.is_secret())).collect();
    assert_eq!(words, [(false, false), (true, false), (false, true)]);
}

/// The ids say everything: a set.
#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "likes")]
struct Like {
    #[kv(id)]
    user: u64,
    #[kv(id)]
    post: u64,
}

#[tokio::test]
async fn an_entity_may_be_its_ids_alone() {
    let likes = collection::<Like>();
    likes.put(&Like { user: 1, post: 2 }).await.unwrap();
    assert_eq!(stored(likes.store(), "likes:1:2").await, json!({}));
    assert_eq!(likes.get((1, 2)).await.unwrap(), Some(Like { user: 1, post: 2 }));
    assert_eq!(likes.get((2, 1)).await.unwrap(), None);
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "wide")]
struct Six {
    #[kv(id)]
    a: u8,
    #[kv(id)]
    b: bool,
    #[kv(id)]
    c: char,
    #[kv(id)]
    d: String,
    #[kv(id)]
    e: i128,
    #[kv(id)]
    f: Box<str>,
}

#[tokio::test]
async fn six_ids_are_the_most() {
    let collection = collection::<Six>();
    let six = Six { a: 1, b: true, c: 'c', d: "d".to_owned(), e: -5, f: "f".into() };
    collection.put(&six).await.unwrap();
    assert_eq!(collection.get((1, true, 'c', "d", -5, "f")).await.unwrap().as_ref(), Some(&six));
    assert_eq!(stored(collection.store(), "wide:1:true:c:d:-5:f").await, json!({}));
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "session", ttl = "1h30m")]
struct Session {
    #[kv(id)]
    id: u64,
    #[kv(skip)]
    hits: u32,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "offer")]
struct Offer {
    #[kv(id)]
    id: u64,
    #[kv(expires_at)]
    until: Option<Timestamp>,
}

#[tokio::test]
async fn a_ttl_is_in_the_schema_and_an_expiry_in_the_record() {
    assert_eq!(Session::SCHEMA.groups()[0].ttl(), Some(std::time::Duration::from_secs(5_400)));
    let offers = collection::<Offer>();
    let until = Timestamp::from_millis(4_000_000_000_000);
    offers.put(&Offer { id: 1, until: Some(until) }).await.unwrap();
    offers.put(&Offer { id: 2, until: None }).await.unwrap();
    let expiry = async |key| {
        let record = offers.store().read(&kv_runtime::key::Key::from_text(key)).await.unwrap().unwrap();
        record.expires_at
    };
    assert_eq!(expiry("offer:1").await, Some(until));
    assert_eq!(expiry("offer:2").await, None);
}

#[tokio::test]
async fn a_skipped_field_is_not_stored() {
    let sessions = collection::<Session>();
    sessions.put(&Session { id: 1, hits: 7 }).await.unwrap();
    assert_eq!(stored(sessions.store(), "session:1").await, json!({}));
    assert_eq!(sessions.get(1).await.unwrap().map(|session| session.hits), Some(0));
    // `touch` is for entities without an expiry of their own, and this is one.
    assert!(sessions.touch(1).await.unwrap());
}
