//! One namespace, a Rust service over REST and a Worker in JavaScript (profiles.mjs): each reads
//! what the other writes.

use std::time::Duration;

use kv_runtime::migrate::WriteBack;
use kv_runtime::store::{CloudflareStore, ListQuery, StoreExt};
use kv_runtime::{Clock, Collection, Kv, KvEntity, ManualClock, Timer};
use serde_json::{Value, json};

use super::Test;
use super::local::Namespace;

/// As profiles.mjs has it at its version 2.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile", version = 2)]
struct Profile {
    #[kv(id)]
    id: String,
    #[serde(rename = "displayName")]
    #[kv(renamed(from = "name", since = 2))]
    display_name: String,
    email: String,
}

/// As it was at version 1.
#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct ProfileV1 {
    #[kv(id)]
    id: String,
    name: String,
    email: String,
}

const KEY: &str = "user:7:profile";

fn profiles(
    namespace: &Namespace,
    policy: WriteBack,
) -> Result<Collection<Profile, CloudflareStore>, kv_runtime::Error> {
    Ok(Kv::new(namespace.options().open()?).with_write_back(policy).collection())
}

fn ada() -> Profile {
    Profile { id: "7".to_owned(), display_name: "Åda".to_owned(), email: "ada@example.com".to_owned() }
}

async fn metadata(namespace: &Namespace, key: &str) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(namespace.javascript("getWithMetadata", json!({ "key": key })).await?["metadata"].take())
}

/// What the list of the Worker says of the one key that begins with this.
async fn listed(namespace: &Namespace, key: &str) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(namespace.javascript("list", json!({ "prefix": key })).await?[0].take())
}

fn now() -> u64 {
    Clock::system().now().as_millis()
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn javascript_writes_version_1_and_rust_reads_version_2() -> Test {
    let namespace = Namespace::new();
    let v1 = json!({ "name": "Åda", "email": "ada@example.com" });
    namespace.javascript("put", json!({ "key": KEY, "value": v1 })).await?;

    // As it is safe, nothing is written back.
    let read = profiles(&namespace, WriteBack::Safe)?.get("7").await?;
    assert_eq!(read, Some(ada()));
    let unchanged = namespace.javascript("getWithMetadata", json!({ "key": KEY })).await?;
    assert_eq!(unchanged, json!({ "value": v1, "metadata": null }));

    let before = now();
    profiles(&namespace, WriteBack::MayResurrect)?.get("7").await?;
    let migrated = namespace.javascript("getWithMetadata", json!({ "key": KEY })).await?;
    assert_eq!(migrated["value"], json!({ "displayName": "Åda", "email": "ada@example.com" }));
    assert_eq!(migrated["metadata"]["version"], 2);
    assert!(migrated["metadata"]["migratedAt"].as_u64().is_some_and(|at| at >= before), "{migrated}");
    // A record that never expired does not begin to.
    assert_eq!(listed(&namespace, KEY).await?["expiration"], Value::Null);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn rust_writes_version_1_and_javascript_reads_version_2() -> Test {
    let namespace = Namespace::new();
    let store = namespace.options().open()?;
    let v1 = ProfileV1 { id: "7".to_owned(), name: "Åda".to_owned(), email: "ada@example.com".to_owned() };
    Kv::new(store.clone()).collection::<ProfileV1>().put(&v1).await?;

    let read = namespace.javascript("profile", json!({ "id": "7" })).await?;
    assert_eq!(
        read,
        json!({ "from": "kv", "profile": { "displayName": "Åda", "email": "ada@example.com" } })
    );

    assert_eq!(profiles(&namespace, WriteBack::Safe)?.get("7").await?, Some(ada()));
    let record = store.read(&kv_runtime::key::Key::from_text(KEY)).await?.ok_or("it is there")?;
    assert_eq!(record.metadata.version, 2);
    assert!(record.metadata.migrated_at.is_some() && record.metadata.created_at.is_some());
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn each_reads_value_metadata_and_listing_of_the_other() -> Test {
    let namespace = Namespace::new();
    let profiles = profiles(&namespace, WriteBack::Safe)?;
    profiles.put(&ada()).await?;
    let seen = namespace.javascript("getWithMetadata", json!({ "key": KEY })).await?;
    assert_eq!(seen["value"], json!({ "displayName": "Åda", "email": "ada@example.com" }));
    assert_eq!((&seen["metadata"]["version"], seen["metadata"]["createdAt"].is_u64()), (&json!(2), true));
    let seen = listed(&namespace, "user:").await?;
    assert_eq!((&seen["name"], &seen["metadata"]["version"]), (&json!(KEY), &json!(2)));

    let value = json!({ "displayName": "Bob", "email": "b@example.com" });
    let options = json!({ "metadata": { "version": 2, "owner": { "team": "web" }, "encoding": "gzip" } });
    namespace
        .javascript("put", json!({ "key": "user:8:profile", "value": value, "options": options }))
        .await?;
    let bob = profiles.get("8").await?.ok_or("it is there")?;
    assert_eq!(bob.display_name, "Bob");
    let page = profiles.list().page().await?;
    assert_eq!(page.entities, [ada(), bob]);

    // Members of JavaScript's own survive a change from here, and come back to it.
    profiles.update_last_write_wins("8", |bob| bob.email = "bob@example.com".to_owned()).await?;
    let seen = namespace.javascript("getWithMetadata", json!({ "key": "user:8:profile" })).await?;
    assert_eq!(seen["value"]["email"], "bob@example.com");
    assert_eq!(seen["metadata"], options["metadata"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn memory_over_kv_over_origin_meets_rust() -> Test {
    let namespace = Namespace::new();
    let origin = json!({ "displayName": "Åda", "email": "ada@example.com" });
    let arguments = json!({ "id": "7", "origin": origin });
    for from in ["origin", "memory"] {
        assert_eq!(namespace.javascript("profile", arguments.clone()).await?["from"], from);
    }
    let profiles = profiles(&namespace, WriteBack::Safe)?;
    assert_eq!(profiles.get("7").await?, Some(ada()));
    profiles.delete("7").await?;
    // The Worker's memory is its own.
    assert_eq!(namespace.javascript("profile", arguments.clone()).await?["from"], "memory");
    namespace.javascript("forget", json!({})).await?;
    assert_eq!(namespace.javascript("profile", arguments).await?["from"], "origin");
    Ok(())
}

/// A record that JavaScript gave a TTL keeps it, whatever is done to it from here that keeps
/// expiries.
#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn what_javascript_lets_expire_still_does() -> Test {
    for migrate in [true, false] {
        let namespace = Namespace::new();
        let v1 = json!({ "name": "Åda", "email": "ada@example.com" });
        let put = json!({ "key": KEY, "value": v1, "options": { "expirationTtl": 120 } });
        namespace.javascript("put", put).await?;
        let expiration = listed(&namespace, KEY).await?["expiration"].as_u64().ok_or("it expires")?;

        if migrate {
            let kv = Kv::new(namespace.options().open()?).with_write_back(WriteBack::MayResurrect);
            assert_eq!(kv.collection::<Profile>().get("7").await?, Some(ada()));
            assert_eq!(kv.write_back_stats().written, 1);
        } else {
            let profiles = profiles(&namespace, WriteBack::Safe)?;
            profiles.update_last_write_wins("7", |ada| ada.email.push_str(".org")).await?;
        }
        let after = listed(&namespace, KEY).await?;
        assert_eq!(after["metadata"]["version"], 2);
        assert_eq!(after["metadata"]["expiresAt"], expiration * 1_000);
        let still = after["expiration"].as_u64().ok_or("it stays for ever")?;
        assert!(still.abs_diff(expiration) <= 2, "it expired at {expiration}, and expires at {still}");

        // For this program its time comes by its own clock.
        let clock = ManualClock::new(kv_runtime::Timestamp::from_millis(expiration * 1_000));
        let later = namespace.options().clock(Clock::from(&clock).with_timer(Timer::system())).open()?;
        assert_eq!(Kv::new(later).collection::<Profile>().get("7").await?, None);
    }
    Ok(())
}

/// If it were rewritten, it would live for another minute.
#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn nothing_is_written_back_in_a_records_last_minute() -> Test {
    let namespace = Namespace::new();
    let v1 = json!({ "name": "Åda", "email": "ada@example.com" });
    namespace
        .javascript("put", json!({ "key": KEY, "value": v1, "options": { "expirationTtl": 60 } }))
        .await?;
    let kv = Kv::new(namespace.options().open()?).with_write_back(WriteBack::MayResurrect);
    assert_eq!(kv.collection::<Profile>().get("7").await?, Some(ada()));
    assert_eq!((kv.write_back_stats().written, kv.write_back_stats().deferred), (0, 1));
    assert_eq!(metadata(&namespace, KEY).await?, Value::Null);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn a_ttl_below_a_minute_is_exact_here() -> Test {
    let namespace = Namespace::new();
    let clock = ManualClock::new(Clock::system().now());
    let store = namespace.options().clock(Clock::from(&clock).with_timer(Timer::system())).open()?;
    let profiles = Kv::new(store).collection::<Profile>().with_ttl(Duration::from_secs(5));
    profiles.put(&ada()).await?;
    clock.advance(Duration::from_millis(4_999));
    assert!(profiles.exists("7").await?);
    assert_eq!(profiles.get("7").await?, Some(ada()));
    clock.advance(Duration::from_millis(1));
    assert_eq!(profiles.get("7").await?, None);
    assert!(!profiles.exists("7").await? && profiles.list().page().await?.entities.is_empty());
    assert_eq!(profiles.census().await?.behind(), 0);
    // JavaScript sees it for its minute.
    assert!(metadata(&namespace, KEY).await?["expiresAt"].is_u64());
    // And it is gone for a change, too.
    let changed = profiles.update_last_write_wins("7", |_| ()).await;
    assert!(matches!(changed, Err(kv_runtime::Error::NotFound { .. })), "{changed:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn any_id_and_value_is_the_same_to_both() -> Test {
    let namespace = Namespace::new();
    let profiles = profiles(&namespace, WriteBack::Safe)?;
    // Ids, and their text in a key: `:` and `%` are escaped, so that no id forges another's key.
    let ids = [
        ("plain", "plain"),
        ("åda 日本 🦀", "åda 日本 🦀"),
        ("a:b", "a%3Ab"),
        ("50%", "50%25"),
        ("%3A", "%253A"),
        ("a/b//c", "a/b//c"),
        ("..", ".."),
        (" spaces  ", " spaces  "),
        ("?&=#+", "?&=#+"),
        ("\"quoted\\\"", "\"quoted\\\""),
    ];
    for (id, spelt) in ids {
        let profile =
            Profile {
                id: id.to_owned(), display_name: format!("“{id}” 🦀\u{7f}\n"), email: String::new()
            };
        profiles.put(&profile).await?;
        let key = format!("user:{spelt}:profile");
        let seen = namespace.javascript("get", json!({ "key": key })).await?;
        assert_eq!(seen, json!({ "displayName": profile.display_name, "email": "" }), "{id}");
        let value = json!({ "displayName": id, "email": "from JavaScript" });
        namespace
            .javascript(
                "put",
                json!({ "key": key, "value": value, "options": { "metadata": { "version": 2 } } }),
            )
            .await?;
        let seen = profiles.get(id).await?.ok_or("it is there")?;
        assert_eq!((seen.display_name.as_str(), seen.email.as_str()), (id, "from JavaScript"));
    }
    let mut listed: Vec<String> =
        profiles.list().page().await?.entities.into_iter().map(|it| it.id).collect();
    listed.sort_unstable();
    let mut ids: Vec<&str> = ids.into_iter().map(|(id, _)| id).collect();
    ids.sort_unstable();
    assert_eq!(listed, ids);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn a_value_of_25_mebibytes_is_read_and_written() -> Test {
    let namespace = Namespace::new();
    let profiles = profiles(&namespace, WriteBack::Safe)?;
    let around = r#"{"displayName":"","email":""}"#.len();
    let long = Profile { display_name: "x".repeat((25 << 20) - around), email: String::new(), ..ada() };
    profiles.put(&long).await?;
    assert_eq!(namespace.javascript("length", json!({ "key": KEY })).await?, 25 << 20);
    assert!(profiles.get("7").await?.is_some_and(|read| read == long));
    // Beside others, and in a list.
    profiles.put(&Profile { id: "8".to_owned(), ..ada() }).await?;
    let both = profiles.get_many(["7", "8"]).await?;
    assert_eq!(both.iter().flatten().count(), 2);

    let longer = Profile { display_name: format!("{}x", long.display_name), ..long };
    let refused = profiles.put(&longer).await;
    assert!(matches!(refused, Err(kv_runtime::Error::ValueTooLong { .. })), "it was taken");
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "number")]
struct Number {
    #[kv(id)]
    id: u64,
    number: u64,
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn thousands_of_keys_are_listed() -> Test {
    let namespace = Namespace::new();
    namespace.javascript("putMany", json!({ "prefix": "number:", "count": 2_500 })).await?;
    let numbers = Kv::new(namespace.options().open()?).collection::<Number>();
    let (mut seen, mut all) = (vec![false; 2_500], numbers.list().stream());
    while let Some(number) = all.next().await.transpose()? {
        assert_eq!(number.id, number.number);
        assert!(!std::mem::replace(&mut seen[number.id as usize], true), "{number:?} is listed twice");
    }
    assert!(seen.iter().all(|seen| *seen));
    let census = numbers.census().await?;
    assert_eq!(census.groups[0].versions.get(&1), Some(&2_500));

    numbers.delete_many(0..2_500).await?;
    assert_eq!(namespace.javascript("list", json!({ "prefix": "number:" })).await?, json!([]));
    Ok(())
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "packed", codec = "postcard")]
struct Packed {
    #[kv(id)]
    id: u64,
    bytes: Vec<u8>,
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn a_binary_value_is_base64_and_says_so() -> Test {
    let namespace = Namespace::new();
    let packed = Kv::new(namespace.options().open()?).collection::<Packed>();
    packed.put(&Packed { id: 1, bytes: vec![0, 255] }).await?;
    assert_eq!(namespace.javascript("getText", json!({ "key": "packed:1" })).await?, "AgD/");
    assert_eq!(listed(&namespace, "packed:1").await?["metadata"]["codec"], "postcard");
    assert_eq!(packed.get(1).await?, Some(Packed { id: 1, bytes: vec![0, 255] }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn a_touch_gives_the_whole_ttl_again() -> Test {
    let namespace = Namespace::new();
    let put =
        json!({ "key": KEY, "value": { "name": "Åda", "email": "" }, "options": { "expirationTtl": 90 } });
    namespace.javascript("put", put).await?;
    let profiles = profiles(&namespace, WriteBack::Safe)?.with_ttl(Duration::from_secs(1_000));
    let before = now() / 1_000;
    assert!(profiles.touch_last_write_wins("7").await?);
    let after = listed(&namespace, KEY).await?;
    // The record is unchanged, except for its expiry.
    assert_eq!(after["metadata"]["version"], 1);
    let expires = after["expiration"].as_u64().ok_or("it expires")?;
    assert!((before + 1_000..before + 1_060).contains(&expires), "{expires}");
    assert!(!profiles.touch_last_write_wins("8").await?);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node packages; scripts/test runs it"]
async fn a_wrong_token_and_a_wrong_namespace_are_told() -> Test {
    let namespace = Namespace::new();
    let query = ListQuery::new(kv_runtime::key::Key::from_text("user:"));
    let refused =
        namespace.options_with("n0", "wrong").open()?.page(&query).await.expect_err("it is refused");
    assert!(!refused.is_retryable());
    let absent = namespace.options_with("nowhere", "local-token").open()?.page(&query).await;
    assert!(matches!(absent, Err(kv_runtime::Error::Store { retryable: false, .. })), "{absent:?}");
    Ok(())
}
