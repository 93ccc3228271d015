//! Groups and views: `cargo run -p groups-and-views [-- --store URL | FILE]`.
//!
//! You learn how one struct stores its hot and cold fields under two keys, each with its own codec,
//! version and TTL. Each group has a generated struct that is an entity by itself. A group may be
//! optional. An update writes only the groups that it changes.
//!
//! It prints the following. At each `...` some of it is left out:
//!
//! ```text
//! One entity, three records:
//!   user:7:profile          json    40 bytes, never expires
//!   user:7:history      postcard   301 bytes, never expires
//!   user:7:settings         json    31 bytes, expires
//!
//! A view reads and writes one of them:
//!   UserProfile { id: 7, name: "Ada", email: "ada@example.org" }
//!   100 logins
//!
//! An update writes the groups that it changes:
//!   profile, history, settings written: [false, true, false]
//!
//! If an optional group is missing, its fields are read as their defaults:
//!   theme Light, 50 items
//!
//! If a required group is missing, reads fail:
//!   User `user:7:profile` in memory: the required group `history` is missing ...
//!
//! The anchor decides: without it there is no user.
//! ```

use std::error::Error;

use examples_support::store;
use kv_runtime::key::Key;
use kv_runtime::record::Revision;
use kv_runtime::store::{AnyStore, GetOptions, Store, StoreExt};
use kv_runtime::{Kv, KvEntity};
use serde::{Deserialize, Serialize};

/// The first group is the anchor: it decides whether a user exists, and which users a list shows.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", derive(Debug, Clone, PartialEq))]
#[kv(group(name = "history", codec = "postcard"))]
#[kv(group(name = "settings", ttl = "30d", optional, view = "UserPrefs", derive(Debug, PartialEq)))]
struct User {
    #[kv(id)]
    id: u64,
    // user:7:profile, read with every page
    name: String,
    email: String,
    // user:7:history, large and seldom read, so in a binary codec
    #[kv(group = "history")]
    logins: Vec<u64>,
    // user:7:settings, which most users never change
    #[kv(group = "settings")]
    theme: Theme,
    #[kv(group = "settings")]
    #[serde(default = "fifty")]
    max_items: u32,
}

#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Default)]
enum Theme {
    #[default]
    Light,
    Dark,
}

fn fifty() -> u32 {
    50
}

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    let kv = Kv::connect(store::url().as_deref().unwrap_or("memory:")).await?;
    let users = kv.collection::<User>();
    let profiles = kv.collection::<UserProfile>(); // named by the macro
    let histories = kv.collection::<UserHistory>();
    let prefs = kv.collection::<UserPrefs>(); // named by `view = "UserPrefs"`

    let ada = User {
        id: 7,
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
        logins: (0..100).map(|day| 20_000 + day).collect(),
        theme: Theme::Dark,
        max_items: 20,
    };
    users.put(&ada).await?;
    println!("One entity, three records:");
    for group in ["profile", "history", "settings"] {
        let key = Key::from_text(format!("user:7:{group}"));
        let record =
            kv.store().get(&key, GetOptions::new().with_expiry()).await?.ok_or("the record is not there")?;
        let (len, codec) = (record.value.len(), record.metadata.codec.name());
        let expires = if record.expires_at.is_some() { "expires" } else { "never expires" };
        println!("  {:<18}{codec:>10}{len:>6} bytes, {expires}", key.as_str());
        assert_eq!(record.expires_at.is_some(), group == "settings");
    }

    println!("\nA view reads and writes one of them:");
    let profile = profiles.get(7).await?.ok_or("no profile")?;
    println!("  {profile:?}");
    assert_eq!(profile.name, "Ada");
    println!("  {} logins", histories.get(7).await?.ok_or("no history")?.logins.len());

    println!("\nAn update writes the groups that it changes:");
    let before = revisions(&kv).await?;
    users.update(7, |user| user.logins.push(20_100)).await?;
    let after = revisions(&kv).await?;
    let written: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before != after).collect();
    println!("  profile, history, settings written: {written:?}");
    assert_eq!(written, [false, true, false]);
    prefs.update(7, |prefs| prefs.max_items = 30).await?;
    assert_eq!(users.get(7).await?.map(|user| user.max_items), Some(30));

    println!("\nIf an optional group is missing, its fields are read as their defaults:");
    prefs.delete(7).await?;
    let user = users.get(7).await?.ok_or("no user")?;
    println!("  theme {:?}, {} items", user.theme, user.max_items);
    assert_eq!((user.theme, user.max_items), (Theme::Light, 50));
    assert_eq!(prefs.get(7).await?, None); // the view is that group, and it is absent
    users.update(7, |user| user.name = "Ada Lovelace".to_owned()).await?;
    assert!(!prefs.exists(7).await?, "a default that nobody changed is not written");

    println!("\nIf a required group is missing, reads fail:");
    histories.delete(7).await?;
    match users.get(7).await {
        Err(error @ kv_runtime::Error::Incomplete { .. }) => println!("  {error}"),
        other => return Err(format!("expected an error, not {other:?}").into()),
    }

    println!("\nThe anchor decides: without it there is no user.");
    profiles.delete(7).await?;
    assert_eq!(users.get(7).await?, None);
    users.put(&ada).await?;
    users.delete(7).await?; // all groups
    assert!(!histories.exists(7).await? && !prefs.exists(7).await?);
    Ok(())
}

/// Returns the revisions, which change with each write.
async fn revisions(kv: &Kv<AnyStore>) -> Result<Vec<Option<Revision>>> {
    let keys = ["profile", "history", "settings"].map(|group| Key::from_text(format!("user:7:{group}")));
    let records = kv.store().read_many(&keys).await?;
    Ok(records.into_iter().map(|record| record.map(|record| record.revision)).collect())
}
