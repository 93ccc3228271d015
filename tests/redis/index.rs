//! The list index: what it costs, how its loss is noticed, and how it gets rid of what is gone.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::NamespaceStore;
use kv_runtime::store::{
    Commit, Condition, Content, Entry, Expect, ListQuery, RedisStore, Store, StoreExt, Write,
};
use kv_runtime::{Error, Kv, KvEntity};

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
        let page = store.page(&query.clone().with_cursor(cursor)).await?;
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
    let server = RedisServer::start_with(&["--enable-debug-command", "yes"]);
    let store = indexed(&server).await?;
    assert_eq!(server.cli(&["DEBUG", "POPULATE", "20000", "foreign"]).trim(), "OK");
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

/// A writer that dies in between leaves an entry without record, which lists pass over, and no
/// record without entry.
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
    let commit = store.commit(vec![absent], Write::Put(keys[2].clone(), record("{}")).into()).await?;
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

#[derive(KvEntity, Debug)]
#[kv(prefix = "doc")]
struct Doc {
    #[kv(id)]
    name: String,
    text: String,
}

/// A tenant may have any name, and reaches nothing but its own.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn no_tenant_writes_into_the_index() -> Test {
    let server = RedisServer::start();
    for (url, tenant) in [
        (format!("{}?list_index=true", server.url(0)), "{#index"),
        (format!("{}?list_index=true&hash_tags=true", server.url(1)), "#index"),
        (format!("{}?list_index=true&hash_tags=true", server.url(2)), "{#index"),
        (server.url(3), "{#index"),
    ] {
        let store = RedisStore::connect(&url).await?;
        let docs = Kv::new(store.clone()).collection::<Doc>();
        let put = async |docs: &kv_runtime::Collection<Doc, _>, name: String| {
            docs.put(&Doc { name, text: "x".to_owned() }).await
        };
        for number in 0..64 {
            put(&docs, format!("d{number}")).await?;
        }
        let tenant = Kv::new(NamespaceStore::new(store.clone(), tenant)).collection::<Doc>();
        for number in 0..16 {
            for name in [format!("{number}}}"), format!("{number}"), format!("{number}}}:limbo")] {
                tenant.put(&Doc { name: name.clone(), text: "y".to_owned() }).await?;
                assert!(tenant.get(&name).await?.is_some());
            }
        }
        for number in 0..64 {
            put(&docs, format!("d{number}")).await?;
        }
        assert_eq!(docs.list().page().await?.entities.len(), 64, "{url}");
        assert_eq!(tenant.list().page().await?.entities.len(), 48, "{url}");
        // The whole of it is records alone, each once.
        let all = store.page(&ListQuery::new(key("")).with_limit(1_000)).await?;
        let (mut len, mut failed) = (0, Vec::new());
        all.for_each(|key, entry| match entry {
            Entry::Failed(error) => failed.push((key.to_owned(), error.to_string())),
            _ => len += 1,
        });
        assert_eq!((len, failed), (64 + 48, Vec::new()), "{url}");
    }
    Ok(())
}

/// Sweeps side by side, while records come back: none is lost to the lists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn sweeps_side_by_side_drop_nothing_that_is_there() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let keys = users(0, 300);
    put(&store, &keys).await?;
    for _ in 0..10 {
        store.delete_many(keys.clone()).await?;
        let sweeping = (0..4).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..6 {
                    store.sweep_index("user").await?;
                }
                Ok::<_, kv_runtime::Error>(())
            })
        });
        let sweeping: Vec<_> = sweeping.collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        put(&store, &keys).await?;
        for sweep in sweeping {
            sweep.await??;
        }
        assert_listed(&store, &keys).await?;
    }
    Ok(())
}

/// Two calls of a sweep are enough, however many records were deleted, and pages do not read what
/// waits. `SWEPT_RECORDS` sets how many.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_sweep_takes_all_that_was_deleted() -> Test {
    let server = RedisServer::start();
    let store = indexed(&server).await?;
    let records = std::env::var("SWEPT_RECORDS").map_or(Ok(50_000), |records| records.parse())?;
    let keys: Vec<Key> = (0..records).map(|number: u32| key(&format!("user:{number:07}"))).collect();
    for part in keys.chunks(5_000) {
        put(&store, part).await?;
    }
    let gone = keys.len() - 100;
    for part in keys[100..].chunks(50_000) {
        store.delete_many(part.to_vec()).await?;
    }
    server.cli(&["CONFIG", "RESETSTAT"]);
    let begin = tokio::time::Instant::now();
    let first = store.sweep_index("user").await?;
    assert_eq!((first.waiting, first.dropped), (gone, 0));
    let asked = |server: &RedisServer| -> Result<u64, Box<dyn std::error::Error>> {
        let stats = server.cli(&["INFO", "stats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        Ok(line.ok_or("the server counts bytes")?.trim().parse()?)
    };
    let before = asked(&server)?;
    let page = store.page(&ListQuery::new(key("user:")).with_limit(10)).await?;
    assert!(page.len() <= 10);
    assert!(asked(&server)? - before < 100_000, "a page reads its own part of what waits");
    tokio::time::sleep(Duration::from_millis(60)).await;
    let second = store.sweep_index("user").await?;
    assert_eq!((second.waiting, second.dropped), (0, gone));
    println!("swept {gone} entries in {:?}", begin.elapsed());
    // Each entry takes two `EXISTS`, and no more. The rest works on a thousand at a time.
    let stats = server.cli(&["INFO", "commandstats"]);
    let calls = |command: &str| -> usize {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or_default()
    };
    assert!((2 * gone..2 * gone + 1_200).contains(&calls("exists")), "{stats}");
    let batches = calls("evalsha") + calls("eval") + calls("zrange") + calls("zcard") + calls("time");
    assert!(batches < gone / 50, "{batches} calls: {stats}");
    assert_listed(&store, &keys[..100]).await
}
