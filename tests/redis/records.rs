//! What stands on the server: our records, and what other programs put there.

use std::time::Duration;

use kv_runtime::record::Expiry;
use kv_runtime::store::{Content, Entry, ListQuery, RedisStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

use super::redis_server::RedisServer;
use super::{Test, key, record};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs", optional))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "link")]
struct Link {
    #[kv(id)]
    id: u64,
    target: String,
    #[kv(expires_at)]
    until: Option<std::time::SystemTime>,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_put_is_one_set_of_envelope_and_value() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    store.put(key("a:1"), record("{}").with_expiry(Expiry::After(Duration::from_secs(100)))).await?;
    let bytes = server.cli(&["EVAL", "return {string.byte(redis.call('GET', KEYS[1]), 1, -1)}", "1", "a:1"]);
    let bytes: Vec<u8> = bytes.lines().map(|byte| byte.parse().unwrap_or_default()).collect();
    assert_eq!((&bytes[..4], &bytes[12..]), (&[0xFF, 0x4B, 1, 0][..], &[0, 1, b'{', b'}'][..]));
    let left: u64 = server.cli(&["PTTL", "a:1"]).trim().parse()?;
    assert!((90_000..=100_000).contains(&left), "{left}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn values_of_other_programs_are_version_1() -> Test {
    let server = RedisServer::start();
    let users = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<User>();
    server.cli(&["SET", "user:7:profile", r#"{"name":"Ada"}"#]);
    let ada = User { id: 7, name: "Ada".to_owned(), dark: false };
    assert_eq!(users.get(7).await?, Some(ada.clone()));
    assert_eq!(users.list().page().await?.entities, [ada]);
    users.update(7, |user| user.dark = true).await?;
    assert_eq!(server.cli(&["GET", "user:7:profile"]).trim(), r#"{"name":"Ada"}"#);
    users.update(7, |user| user.name = "Ada Lovelace".to_owned()).await?;
    assert_eq!(
        users.get(7).await?.map(|user| (user.name, user.dark)),
        Some(("Ada Lovelace".to_owned(), true))
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_value_of_another_redis_type_is_an_error() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    server.cli(&["RPUSH", "user:7:prefs", "a"]);
    server.cli(&["SET", "user:7:profile", r#"{"name":"Ada"}"#]);
    let users = Kv::new(store.clone()).collection::<User>();
    let is_malformed = |error: Error| {
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert!(error.to_string().contains("another type than string"), "{error}");
        error
    };
    let error = is_malformed(users.get(7).await.expect_err("a list is no record"));
    assert!(error.to_string().contains("`user:7:prefs`"), "{error}");
    is_malformed(users.update(7, |user| user.dark = true).await.expect_err("a list is no record"));
    is_malformed(store.head(&key("user:7:prefs")).await.expect_err("a list is no record"));
    let mut many: Vec<_> = (100..120).map(|id| key(&format!("user:{id}:prefs"))).collect();
    assert!(store.read_many(&many).await?.iter().all(Option::is_none));
    many.push(key("user:7:prefs"));
    is_malformed(store.read_many(&many).await.expect_err("a list is no record"));
    let put = store.replace(key("user:7:prefs"), kv_runtime::record::Revision::random(), record("1")).await;
    is_malformed(put.expect_err("a list is no record"));
    for content in [Content::Heads, Content::Records] {
        let page = store.page(&ListQuery::new(key("user:")).with_content(content)).await?;
        let mut failed = Vec::new();
        page.for_each(|key, entry| {
            if let Entry::Failed(error) = entry {
                failed.push((key.to_owned(), error));
            }
        });
        assert!(
            matches!(&failed[..], [(key, Error::Malformed { .. })] if key == "user:7:prefs"),
            "{failed:?}"
        );
    }
    assert_eq!(server.cli(&["LLEN", "user:7:prefs"]).trim(), "1");
    // Who knows better overwrites it.
    users.put(&User { id: 7, name: "Ada".to_owned(), dark: true }).await?;
    assert_eq!(users.get(7).await?.map(|user| user.dark), Some(true));
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_update_can_take_an_expiry_away() -> Test {
    let server = RedisServer::start();
    let links = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<Link>();
    let until = std::time::UNIX_EPOCH + Duration::from_millis(4_000_000_000_123);
    links.put(&Link { id: 1, target: "/".to_owned(), until: Some(until) }).await?;
    // To the server a record is still there in the millisecond that its expiry names.
    assert_eq!(server.cli(&["PEXPIRETIME", "link:1"]).trim(), "4000000000122");
    links.update(1, |link| link.target = "/a".to_owned()).await?;
    assert_eq!(server.cli(&["PEXPIRETIME", "link:1"]).trim(), "4000000000122");
    links.update(1, |link| link.until = None).await?;
    assert_eq!(server.cli(&["PTTL", "link:1"]).trim(), "-1");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn hash_tags_escape_braces_of_ids() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::options().hash_tags(true).connect(&server.url(0)).await?;
    for id in ["a", "{a}", "}{", "a:b"] {
        store.put(key(&format!("t:{id}")), record(id)).await?;
    }
    let mut keys: Vec<String> = server.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["{t:%7Ba%7D}", "{t:%7D%7B}", "{t:a:b}", "{t:a}"]);
    let page = store.page(&ListQuery::new(key("t:"))).await?;
    assert_eq!(page.keys().collect::<Vec<_>>(), ["t:a", "t:a:b", "t:{a}", "t:}{"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_page_ends_by_bytes_whatever_came_before() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    // Small values first, so that nothing can be concluded from them.
    let value = |number: u32| if number < 10 { 1 } else { 1 << 20 };
    for number in 0..40 {
        store.put(key(&format!("a:{number:02}")), record(&"x".repeat(value(number)))).await?;
    }
    server.cli(&["DEL", "a:13"]);
    server.cli(&["LPUSH", "a:13", "no string"]);
    let mut query = ListQuery::new(key("a:"));
    let (mut lens, mut seen) = (Vec::new(), Vec::new());
    loop {
        let page = store.page(&query).await?;
        lens.push(page.len());
        let cursor = page.cursor.clone();
        page.for_each(|key, _| seen.push(key.to_owned()));
        if cursor.is_none() {
            break;
        }
        query = query.with_cursor(cursor);
    }
    assert_eq!(seen, (0..40).map(|number| format!("a:{number:02}")).collect::<Vec<_>>());
    assert_eq!(lens, [15, 4, 4, 4, 4, 4, 4, 1]);
    let page = store.page(&ListQuery::new(key("a:")).with_max_bytes(1)).await?;
    assert_eq!(page.len(), 1);
    Ok(())
}
