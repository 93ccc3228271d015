//! Connections that end, go silent or lead to the wrong server: the store comes back by itself.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{RedisStore, Store, StoreExt};
use kv_runtime::{Error, Result};
use tokio::time::Instant;

use super::Test;
use super::proxy::{Fault, Proxy};
use super::redis_server::{RedisCluster, RedisServer};

fn key(text: &str) -> Key {
    Key::from_text(text)
}

async fn put<S: Store>(store: &S, text: &str) -> Result<()> {
    store.put(key(text), NewRecord::new("1", Metadata::default())).await
}

/// Calls until one succeeds, which has to be within the time, and returns how many failed before.
async fn works_within(store: &RedisStore, time: Duration) -> std::result::Result<u32, String> {
    let begin = Instant::now();
    let mut failures = 0;
    loop {
        match store.read(&key("a:1")).await {
            Ok(_) => return Ok(failures),
            Err(error) if begin.elapsed() > time => return Err(format!("{failures} failures: {error:?}")),
            Err(_) => failures += 1,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_refused_reconnect_is_tried_again() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&proxy.url()).await?;
    put(&store, "a:1").await?;
    for answer in [
        "-WRONGPASS invalid username-password pair\r\n",
        "-NOAUTH HELLO must be called with the client already authenticated\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-ERR max number of clients reached\r\n",
        "-SOMETHING new\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "",
    ] {
        proxy.answer(Some(answer.as_bytes()));
        proxy.cut();
        let refused = store.read(&key("a:1")).await;
        assert!(refused.is_err(), "{answer}: {refused:?}");
        let (refused, before) = (store.read(&key("a:1")).await, proxy.accepted());
        assert!(refused.is_err(), "{answer}: {refused:?}");
        proxy.answer(None);
        // The very next call tries, and needs nothing else.
        let back = store.read(&key("a:1")).await?;
        assert!(back.is_some() && proxy.accepted() > before, "{answer}");
        put(&store, "a:1").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_first_call_after_an_outage_tries() -> Test {
    let mut server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    server.kill();
    for _ in 0..5 {
        assert!(store.read(&key("a:1")).await.is_err_and(|error| error.is_retryable()));
    }
    server.restart();
    put(&store, "a:1").await?;
    Ok(())
}

/// A call that finds somebody connecting, which fails because it began in the outage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_first_call_after_an_outage_does_not_share_an_older_failure() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store =
        RedisStore::options().connection_timeout(Duration::from_secs(1)).connect(&proxy.url()).await?;
    proxy.part();
    proxy.cut();
    // The store sees that the connection has ended.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let early = tokio::spawn({
        let store = store.clone();
        async move { store.read(&key("a:1")).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!early.is_finished(), "nobody answers it");
    // The connection under way stays silent, and new ones are served.
    proxy.answer(None);
    store.read(&key("a:1")).await?;
    assert!(early.await?.is_err_and(|error| error.is_retryable()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_demoted_primary_is_left() -> Test {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let proxy = Proxy::start(old.port());
    let store = RedisStore::connect(&proxy.url()).await?;
    put(&store, "a:1").await?;
    proxy.lead_to(new.port());
    old.cli(&["REPLICAOF", "127.0.0.1", &new.port().to_string()]);
    let refused = put(&store, "a:1").await.expect_err("the old primary is a replica now");
    assert!(refused.is_retryable() && format!("{refused:?}").contains("read-only replica"), "{refused:?}");
    put(&store, "a:2").await?;
    assert_eq!(new.cli(&["EXISTS", "a:2"]).trim(), "1");

    // By a script and in a batch it is the same.
    let revision = store.read(&key("a:2")).await?.ok_or("it is there")?.revision;
    new.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    old.cli(&["REPLICAOF", "NO", "ONE"]);
    proxy.lead_to(old.port());
    let record = NewRecord::new("2", Metadata::default());
    let refused = store.replace(key("a:2"), revision, record.clone()).await.expect_err("a replica again");
    assert!(refused.is_retryable(), "{refused:?}");
    put(&store, "a:3").await?;
    old.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    new.cli(&["REPLICAOF", "NO", "ONE"]);
    proxy.lead_to(new.port());
    let batch = vec![(key("a:4"), record.clone()), (key("a:5"), record)];
    let refused = store.put_many(batch.clone()).await.expect_err("a replica again");
    assert!(refused.is_retryable(), "{refused:?}");
    store.put_many(batch).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_silent_connection_is_replaced() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let options = RedisStore::options().response_timeout(Duration::from_millis(500));
    let store = options.connect(&proxy.url()).await?;
    for _ in 0..3 {
        put(&store, "a:1").await?;
        proxy.silence();
        for _ in 0..2 {
            let silent = store.read(&key("a:1")).await;
            assert!(silent.as_ref().is_err_and(Error::is_retryable), "{silent:?}");
        }
        assert!(store.read(&key("a:1")).await?.is_some());
    }
    // Many calls at once are no different.
    proxy.silence();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.read(&key("a:1")).await.is_ok() })
        })
        .collect();
    for call in calls {
        assert!(!call.await?);
    }
    assert!(store.read(&key("a:1")).await?.is_some());
    Ok(())
}

/// The kernel gives up by itself what stays silent, if nobody calls: it is asked whether it would.
#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_kernel_watches_connections() -> Test {
    let server = RedisServer::start();
    let _store = RedisStore::connect(&server.url(0)).await?;
    // The kernel's table of sockets: one to the server's port with a timer of keepalive, 02.
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let port = format!(":{:04X}", server.port());
    let is_watched = table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        matches!(fields[..], [_, _, remote, "01", _, timer, ..] if remote.ends_with(&port) && timer.starts_with("02:"))
    });
    assert!(is_watched, "{table}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_answer_that_never_comes_takes_one_timeout() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let options = RedisStore::options().response_timeout(Duration::from_secs(1));
    let store = options.connect(&proxy.url()).await?;
    let record = NewRecord::new("1", Metadata::default());
    let batch: Vec<_> = (0..400).map(|id| (key(&format!("a:{id}")), record.clone())).collect();
    for batch in [batch[..1].to_vec(), batch] {
        proxy.arm(Fault::SilenceReply);
        let begin = Instant::now();
        let lost = store.put_many(batch).await;
        assert!(matches!(lost, Err(Error::OutcomeUnknown { .. })), "{lost:?}");
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        works_within(&store, Duration::from_secs(2)).await?;
    }
    Ok(())
}

/// Each answer comes in time, and all of them together do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_call_of_several_steps_has_one_deadline() -> Test {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let proxy = Proxy::start(primary.port());
    let options = RedisStore::options().response_timeout(Duration::from_secs(1));
    let store = options.clone().connect(&proxy.url()).await?;
    let waits = options.wait_for_replicas(1, Duration::from_millis(900)).connect(&proxy.url()).await?;
    while !replica.cli(&["ROLE"]).contains("connected") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    put(&waits, "a:1").await?;
    // Members that are not ours make an envelope that takes a second look.
    let mut metadata = Metadata::default();
    metadata.set_foreign("theirs", "x".repeat(100).into())?;
    store.put(key("a:2"), NewRecord::new("2", metadata)).await?;
    assert!(store.head(&key("a:2")).await?.is_some());
    // Of many keys those that are absent are asked for a second time.
    let keys: Vec<_> = (0..20).map(|id| key(&format!("a:{id}"))).collect();
    assert_eq!(store.read_many(&keys).await?.iter().flatten().count(), 2);

    proxy.delay(Duration::from_millis(700));
    let begin = Instant::now();
    let reads = [store.read_many(&keys).await.map(drop), store.head(&key("a:2")).await.map(drop)];
    for read in reads {
        assert!(read.as_ref().is_err_and(Error::is_retryable), "{read:?}");
    }
    let written = put(&waits, "a:3").await;
    assert!(matches!(written, Err(Error::OutcomeUnknown { .. })), "{written:?}");
    assert!(begin.elapsed() < Duration::from_millis(3 * 1_300), "{:?}", begin.elapsed());
    Ok(())
}

#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn a_store_goes_on_in_another_runtime() -> Test {
    let server = RedisServer::start();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let store = runtime()?.block_on(RedisStore::connect(&server.url(0)))?;
    for round in 0..5 {
        runtime()?.block_on(put(&store, &format!("a:{round}")))?;
    }
    // Also while a connection is being made.
    let first = runtime()?;
    let connecting = first.spawn({
        let store = store.clone();
        async move { store.read(&key("a:1")).await }
    });
    drop((first, connecting));
    runtime()?.block_on(put(&store, "a:6"))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_frozen_primary_is_left() -> Test {
    let cluster = RedisCluster::start();
    let options = RedisStore::options().response_timeout(Duration::from_secs(1));
    let store = options.connect(&cluster.url()).await?;
    let keys: Vec<String> = (0..60).map(|id| format!("a:{id}")).collect();
    for text in &keys {
        put(&store, text).await?;
    }
    let frozen = cluster.primaries().next().ok_or("there are three")?;
    let _frozen = frozen.freeze();
    let begin = Instant::now();
    let mut last = Ok(());
    for text in &keys {
        loop {
            last = put(&store, text).await;
            match &last {
                Err(error) if begin.elapsed() < Duration::from_secs(15) => {
                    let may_go_on = error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. });
                    assert!(may_go_on, "{error:?}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                _ => break,
            }
        }
    }
    println!("all keys were written {:?} after one primary froze", begin.elapsed());
    last?;
    Ok(())
}
