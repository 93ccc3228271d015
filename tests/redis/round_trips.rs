//! How often the server is asked.

use std::time::Duration;

use kv_runtime::record::Expiry;
use kv_runtime::store::{Content, GetOptions, ListQuery, RedisStore, Store, StoreExt};
use kv_runtime::{Kv, KvEntity};

use super::proxy::Proxy;
use super::redis_server::RedisServer;
use super::{Test, key, record};

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs", optional))]
#[kv(group(name = "stats"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
    #[kv(group = "stats")]
    visits: u64,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_entity_of_three_groups_takes_one_and_an_update_two() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?;
    let users = Kv::new(store).collection::<User>();
    let taken = |before: usize| proxy.round_trips() - before;

    let before = proxy.round_trips();
    users.put(&User { id: 7, name: "Ada".to_owned(), dark: true, visits: 1 }).await?;
    assert_eq!(taken(before), 1, "put");

    let before = proxy.round_trips();
    assert!(users.get(7).await?.is_some());
    assert_eq!(taken(before), 1, "get");

    // The first commit has to bring the script to the server.
    users.update(7, |user| user.visits += 1).await?;
    let before = proxy.round_trips();
    users.update(7, |user| user.visits += 1).await?;
    assert_eq!(taken(before), 2, "update");
    // It needs no expiry, which would take a script.
    assert_eq!(calls(&server, "pttl"), 0, "update");

    // What is not there is asked for no second time.
    server.cli(&["DEL", "user:7:prefs"]);
    let before = proxy.round_trips();
    assert_eq!(users.get(7).await?.map(|user| user.visits), Some(3));
    assert_eq!(taken(before), 1, "get of an absent group");

    for id in 0..100 {
        users.put(&User { id, name: "Ada".to_owned(), dark: true, visits: 3 }).await?;
    }
    let before = proxy.round_trips();
    assert_eq!(users.get_many(0..100).await?.into_iter().flatten().count(), 100);
    assert_eq!(taken(before), 1, "get_many");

    // In a large batch what is shown as nothing is asked for again: it may be of another type.
    let before = proxy.round_trips();
    assert_eq!(users.get_many(0..101).await?.into_iter().flatten().count(), 100);
    assert_eq!(taken(before), 2, "get_many with an absent one");

    users.insert(&User { id: 799, name: "Bob".to_owned(), dark: true, visits: 1 }).await?;
    let before = proxy.round_trips();
    users.insert(&User { id: 800, name: "Bob".to_owned(), dark: true, visits: 1 }).await?;
    assert_eq!(taken(before), 1, "insert");

    let before = proxy.round_trips();
    users.delete(7).await?;
    assert_eq!(taken(before), 1, "delete");
    Ok(())
}

/// How many bytes the server has sent to everybody.
fn sent(server: &RedisServer) -> usize {
    let stats = server.cli(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_expiry_comes_along_and_a_head_without_the_value() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}", proxy.port())).await?;
    let large = record(&"x".repeat(1 << 20)).with_expiry(Expiry::After(Duration::from_secs(100)));
    store.put(key("a:1"), large).await?;
    let taken = |before: usize| proxy.round_trips() - before;

    let before = proxy.round_trips();
    let read = store.get(&key("a:1"), GetOptions::new().with_expiry()).await?.ok_or("it is there")?;
    assert!(read.expires_at.is_some() && read.value.len() == 1 << 20);
    assert_eq!(taken(before), 1, "get_with_expiry");

    let (before, sent_before) = (proxy.round_trips(), sent(&server));
    let head = store.head(&key("a:1")).await?.ok_or("it is there")?;
    assert!(head.expires_at.is_some());
    assert_eq!(taken(before), 1, "head");
    let heads = ListQuery::new(key("a:")).with_content(Content::Heads);
    assert_eq!(store.page(&heads).await?.len(), 1);
    let sent = sent(&server) - sent_before;
    assert!(sent < 100_000, "{sent} bytes for two heads");
    Ok(())
}

/// How often the server has run a command, within scripts too.
fn calls(server: &RedisServer, command: &str) -> usize {
    let stats = server.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_page_by_the_index_takes_two() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&format!("{}?list_index=true", proxy.url())).await?;
    let records = (0..5_000).map(|number| (key(&format!("user:{number:04}")), record("{}")));
    store.put_many(records.collect()).await?;
    let query = ListQuery::new(key("user:")).with_limit(1_000);
    // The first one makes the index complete and brings the scripts.
    assert_eq!(store.page(&query).await?.len(), 1_000);
    server.cli(&["CONFIG", "RESETSTAT"]);
    let before = proxy.round_trips();
    assert_eq!(store.page(&query).await?.len(), 1_000);
    assert_eq!(proxy.round_trips() - before, 2);
    // One script for all shards, and one for the values: it reads none that the page does not show.
    assert_eq!((calls(&server, "evalsha"), calls(&server, "get")), (2, 1_000));
    Ok(())
}

/// One look at every key serves 65,536 records of a stream, as kv-runtime/docs/redis.md says.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_stream_without_an_index_takes_a_pass_for_each_65_536_records() -> Test {
    const RECORDS: usize = 140_000;
    let server = RedisServer::start_with(&["--enable-debug-command", "yes"]);
    assert_eq!(server.cli(&["DEBUG", "POPULATE", &RECORDS.to_string(), "user"]).trim(), "OK");
    let store = RedisStore::connect(&server.url(0)).await?;
    let (mut listed, mut cursor) = (0, None);
    loop {
        let query = ListQuery::new(key("user:")).with_limit(10_000).with_content(Content::Keys);
        let page = store.page(&query.with_cursor(cursor)).await?;
        listed += page.len();
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, RECORDS);
    // A `SCAN` looks at about a thousand keys.
    let passes = calls(&server, "scan") as f64 / (RECORDS as f64 / 1_000.0);
    assert!((2.7..3.3).contains(&passes), "{passes} passes");
    Ok(())
}
