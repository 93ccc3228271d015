//! The list index: what it costs, how its loss is noticed, and how it gets rid of what is gone.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::key::Key;
use kv_runtime::store::{
    AtomicStore, Commit, Condition, Content, Expect, ListQuery, RedisStore, Store, Write,
};

use super::redis_server::RedisServer;
use super::{Test, key, record};

async fn indexed(server: &RedisServer) -> Result<RedisStore, Error> {
    RedisStore::options()
        .list_index(true)
        .index_grace(Duration::from_millis(50))
        .connect(&server.url(0))
        .await
}

fn users(from: u32, to: u32) -> Vec<Key> {
    (from..to).map(|number| key(&format!("user:{number:05}"))).collect()
}

async fn put(store: &RedisStore, keys: &[Key]) -> Result<(), Error> {
    store.put_many(keys.iter().map(|key| (key.clone(), record("{}"))).collect()).await
}

async fn listed(store: &RedisStore, limit: usize) -> Result<Vec<String>, Error> {
    let query = ListQuery::new(key("user:")).with_limit(limit).with_content(Content::Keys);
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list(&query.clone().with_cursor(cursor)).await?;
        assert!(page.len() <= limit);
        keys.extend(page.keys().map(str::to_owned));
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

async fn assert_listed(store: &RedisStore, keys: &[Key]) -> Test {
    let listed = listed(store, 1_000).await?;
    assert!(listed.iter().eq(keys.iter().map(Key::as_str)), "{} of {} are listed", listed.len(), keys.len());
    Ok(())
}

fn scans(server: &RedisServer) -> usize {
    server.cli(&["INFO", "commandstats"]).matches("cmdstat_scan:").count()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_list_looks_at_no_other_keys() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    server.cli(&["DEBUG", "POPULATE", "20000", "foreign"]);
    let keys = users(0, 5_000);
    put(&store, &keys).await?;
    assert_listed(&store, &keys).await?;
    // The first list had to make the index complete; none after it looks at all keys.
    assert_eq!(scans(&server), 1);
    server.cli(&["CONFIG", "RESETSTAT"]);
    for limit in [7, 333, 1_000, 100_000] {
        let keys = keys.iter().take(if limit == 7 { 100 } else { 5_000 }).collect::<Vec<_>>();
        let shown = listed(&store, limit).await?;
        assert!(shown.iter().zip(&keys).all(|(shown, key)| shown == key.as_str()), "by {limit}");
        assert_eq!(shown.len(), 5_000);
    }
    assert_eq!(scans(&server), 0);
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_lost_index_is_rebuilt_and_never_taken_for_empty() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 200);
    put(&store, &keys[..100]).await?;
    assert_listed(&store, &keys[..100]).await?;
    // One shard is evicted, and then written to again.
    server.cli(&["DEL", "{#index:user:3}"]);
    assert_listed(&store, &keys[..100]).await?;
    server.cli(&["DEL", "{#index:user:3}", "{#index:user:7}"]);
    put(&store, &keys[100..]).await?;
    assert_listed(&store, &keys).await?;
    // All of it is.
    server.cli(&["EVAL", "return redis.call('DEL', unpack(redis.call('KEYS', '{#index:*')))", "0"]);
    assert_listed(&store, &keys).await?;
    // Everything is.
    server.cli(&["FLUSHALL"]);
    put(&store, &keys[..10]).await?;
    assert_listed(&store, &keys[..10]).await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn writers_and_a_lost_index_lose_no_key() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 2_000);
    let writers = keys.chunks(250).map(|keys| {
        let (store, keys) = (store.clone(), keys.to_vec());
        tokio::spawn(async move {
            for key in keys {
                store.put(key, record("{}")).await?;
            }
            Ok::<_, Error>(())
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut lost = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        server.cli(&["DEL", &format!("{{#index:user:{}}}", lost % 16)]);
        listed(&store, 1_000).await?;
        lost += 1;
    }
    for writer in writers {
        writer.await??;
    }
    assert!(lost > 1, "the index was lost {lost} times");
    assert_listed(&store, &keys).await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_call_adopts_what_others_wrote() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 3);
    put(&store, &keys[..1]).await?;
    assert_listed(&store, &keys[..1]).await?;
    server.cli(&["MSET", "user:00001", "{}", "user:00002", "{}", "username", "x"]);
    assert_listed(&store, &keys[..1]).await?;
    assert_eq!(store.rebuild_index("user").await?, 3);
    assert_listed(&store, &keys).await?;
    let without = RedisStore::connect(&server.url(0)).await?;
    assert!(matches!(without.rebuild_index("user").await, Err(Error::Unsupported { .. })));
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_sweep_drops_what_has_been_gone_for_the_grace() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 100);
    put(&store, &keys).await?;
    assert_listed(&store, &keys).await?;
    store.delete_many(keys[50..].to_vec()).await?;
    let first = store.sweep_index("user").await?;
    assert_eq!((first.waiting, first.dropped), (50, 0));
    assert_listed(&store, &keys[..50]).await?;
    // What comes back while it waits is listed all the time.
    put(&store, &keys[50..60]).await?;
    assert_listed(&store, &keys[..60]).await?;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let second = store.sweep_index("user").await?;
    assert_eq!((second.waiting, second.dropped), (0, 40));
    assert_listed(&store, &keys[..60]).await?;
    let count = "local n = 0 for _, k in ipairs(redis.call('KEYS', '{#index:*')) do n = n + redis.call('ZCARD', k) end return n";
    // One entry a key, and one marker a shard.
    assert_eq!(server.cli(&["EVAL", count, "0"]).trim(), "76");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_record_in_limbo_is_listed() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 20);
    put(&store, &keys).await?;
    store.delete_many(keys.clone()).await?;
    assert_listed(&store, &[]).await?;
    store.sweep_index("user").await?;
    // As a writer does whose entry was there when it began, and was moved before its record came.
    for key in &keys {
        server.cli(&["SET", key.as_str(), "{}"]);
    }
    assert_listed(&store, &keys).await?;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(store.sweep_index("user").await?.dropped, 0);
    assert_listed(&store, &keys).await
}

/// What a server is sent, in its order, as `MONITOR` shows it.
fn monitored(server: &RedisServer) -> std::io::Result<Receiver<String>> {
    let mut monitor = Command::new("redis-cli");
    monitor.args(["-p", &server.port().to_string(), "MONITOR"]).stdout(Stdio::piped());
    let mut monitor = monitor.stderr(Stdio::null()).spawn()?;
    let output = monitor.stdout.take().ok_or_else(|| std::io::Error::other("there is no output"))?;
    let lines = BufReader::new(output).lines();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(std::io::Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
        // It ends with the server.
        monitor.wait()
    });
    Ok(told)
}

/// A writer that dies in between leaves an entry without record, which lists pass over, and no record without entry.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_entry_is_written_before_the_record() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 3);
    let told = monitored(&server)?;
    assert!(told.recv_timeout(Duration::from_secs(5))?.starts_with("OK"));
    store.put(keys[0].clone(), record("{}")).await?;
    store.put_many(vec![(keys[1].clone(), record("{}"))]).await?;
    let absent = Condition::new(keys[2].clone(), Expect::Absent);
    let commit = store.commit(vec![absent], vec![Write::Put(keys[2].clone(), record("{}"))]).await?;
    assert_eq!(commit, Commit::Done);
    server.cli(&["ECHO", "the end"]);
    let lines: Vec<String> = told.iter().take_while(|line| !line.contains("the end")).collect();
    for key in &keys {
        let place = |command: &str| {
            let sends = |line: &String| line.to_lowercase().contains(command) && line.contains(key.as_str());
            lines
                .iter()
                .position(sends)
                .ok_or_else(|| format!("no {command} of {}: {lines:#?}", key.as_str()))
        };
        assert!(place("\"zadd\"")? < place("\"set\"")?, "{lines:#?}");
    }
    Ok(())
}
