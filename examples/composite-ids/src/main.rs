//! Ids: `cargo run -p composite-ids [-- --store URL | FILE]`.
//!
//! You learn that composite ids form hierarchies, and that a list can be limited at any level.
//! Integers can be ordered. Newtypes and enums become ids with `#[derive(KvId)]`. A secret id
//! appears in no error and no log. No id can forge the key of another entity. `schema!` proves at
//! compile time that no two entities share a key.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! Keys, in the store's order:
//!   event:eu-west:12:09223372036854775815
//!   event:eu-west:1:09223372036854775803
//! ...
//! A list can be limited at any level:
//!   in eu-west           ["at 7", "at -5", "at 30", "at 1000"]
//!   in eu-west, org 1    ["at -5", "at 30", "at 1000"]
//!   one event            "at 7"
//!
//! Any text can be an id, and none forges another key:
//!   user-archive:ada  user:100%25  user:a%3Ab  user:ada  user:Åsa
//!   list of `user`, as ids: ["100%", "a:b", "ada", "Åsa"]
//!
//! A secret id in an error:
//!   Session `session:#...` in memory: there is a record already; ...
//!   found by its token: the session of ada
//! ...
//! ```

use std::error::Error;

use examples_support::store;
use kv_runtime::key::Key;
use kv_runtime::store::{AnyStore, Content, ListQuery, StoreExt};
use kv_runtime::{Kv, KvEntity, KvId, Page};

/// A newtype, so that the compiler rejects any other number.
#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct OrgId(u32);

/// Written as `eu-west` and `us-east`.
#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[kv(rename_all = "kebab-case")]
enum Region {
    EuWest,
    UsEast,
}

/// event:{region}:{org}:{at}
#[derive(KvEntity, Debug)]
#[kv(prefix = "event")]
struct Event {
    #[kv(id)]
    region: Region,
    #[kv(id)]
    org: OrgId,
    /// Has a fixed width in the key, so keys are in the order of the numbers, negative ones too.
    #[kv(id, ordered)]
    at: i64,
    text: String,
}

/// A token is as good as a password, so errors and spans show a hash in its place.
#[derive(KvEntity, Debug)]
#[kv(prefix = "session")]
struct Session {
    #[kv(id, secret)]
    token: String,
    user: String,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    name: String,
    email: String,
}

/// Another prefix that begins with the same letters.
#[derive(KvEntity, Debug)]
#[kv(prefix = "user-archive")]
struct ArchivedUser {
    #[kv(id)]
    name: String,
    email: String,
}

kv_runtime::schema! {
    /// The entities of this application. If two of them could share a key, this does not compile,
    /// and the error names both.
    pub App: Event, Session, User, ArchivedUser
}

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    let kv = Kv::connect(store::url().as_deref().unwrap_or("memory:")).await?;
    let events = kv.collection::<Event>();
    for (region, org, at) in [
        (Region::EuWest, 1, 1_000),
        (Region::EuWest, 1, -5),
        (Region::EuWest, 1, 30),
        (Region::EuWest, 12, 7),
        (Region::UsEast, 1, 8),
    ] {
        events.put(&Event { region, org: OrgId(org), at, text: format!("at {at}") }).await?;
    }
    println!("Keys, in the store's order:");
    for key in keys(&kv, "event:").await? {
        println!("  {key}");
    }

    println!("\nA list can be limited at any level:");
    let europe = texts(events.list().within(Region::EuWest).page().await?);
    println!("  in eu-west           {europe:?}"); // `OrgId` is not ordered: as text, 12: is before 1:
    assert_eq!(europe, ["at 7", "at -5", "at 30", "at 1000"]);
    let one = texts(events.list().within((Region::EuWest, OrgId(1))).page().await?);
    println!("  in eu-west, org 1    {one:?}"); // ordered by number, and without org 12
    assert_eq!(one, ["at -5", "at 30", "at 1000"]);
    let exact = events.get((Region::EuWest, OrgId(12), 7)).await?.ok_or("no such event")?;
    println!("  one event            {:?}", exact.text);

    println!("\nAny text can be an id, and none forges another key:");
    let users = kv.collection::<User>();
    for name in ["ada", "a:b", "100%", "Åsa"] {
        users.put(&User { name: name.to_owned(), email: "x@example.org".to_owned() }).await?;
        assert_eq!(users.get(name).await?.map(|user| user.name).as_deref(), Some(name));
    }
    let archive = kv.collection::<ArchivedUser>();
    archive.put(&ArchivedUser { name: "ada".to_owned(), email: "old@example.org".to_owned() }).await?;
    println!("  {}", keys(&kv, "user").await?.join("  "));
    let ids = users.list().ids().page().await?.ids;
    println!("  list of `user`, as ids: {ids:?}");
    assert_eq!(ids, ["100%", "a:b", "ada", "Åsa"]); // not user-archive:ada

    println!("\nA secret id in an error:");
    let sessions = kv.collection::<Session>();
    let token = "f3b1-do-not-log-me".to_owned();
    sessions.insert(&Session { token: token.clone(), user: "ada".to_owned() }).await?;
    let Err(error) = sessions.insert(&Session { token: token.clone(), user: "eve".to_owned() }).await else {
        return Err("the second insert succeeded".into());
    };
    println!("  {error}");
    assert!(error.to_string().contains("session:#") && !format!("{error} {error:?}").contains(&token));
    let found = sessions.get(token.as_str()).await?.ok_or("no session")?; // the key itself holds the token
    println!("  found by its token: the session of {}", found.user);

    println!("\nThe application's entities:");
    for entity in App::ENTITIES {
        let ids: Vec<_> = entity.ids().iter().map(|id| format!("{{{}}}", id.name())).collect();
        println!("  {:<14}{}:{}", entity.name(), entity.prefix(), ids.join(":"));
    }
    Ok(())
}

fn texts(page: Page<Event>) -> Vec<String> {
    page.entities.into_iter().map(|event| event.text).collect()
}

/// Returns the keys that the store holds for the collections.
async fn keys(kv: &Kv<AnyStore>, prefix: &str) -> Result<Vec<String>> {
    let query = ListQuery::new(Key::from_text(prefix)).with_content(Content::Keys);
    Ok(kv.store().page(&query).await?.keys().map(str::to_owned).collect())
}
