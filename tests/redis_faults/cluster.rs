//! A cluster whose slots move and whose nodes go away while many tasks work on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::RetryStore;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{Content, ListQuery, RedisStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity, Result};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Test;
use super::redis_server::{RedisCluster, RedisServer};

fn key(number: u64) -> Key {
    Key::from_text(format!("a:{number:04}"))
}

fn record(value: &str) -> NewRecord {
    NewRecord::new(value.to_owned(), Metadata::default())
}

async fn fill(store: &RedisStore, len: u64) -> Result<()> {
    store.put_many((0..len).map(|number| (key(number), record("0"))).collect()).await
}

async fn listed(store: &RedisStore) -> Result<usize> {
    let query = ListQuery::new(Key::from_text("a:")).with_limit(10_000).with_content(Content::Keys);
    Ok(store.page(&query).await?.len())
}

/// What the tasks share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    done: AtomicU64,
    /// Lists that were whole.
    lists: AtomicU64,
}

/// One after the other, whichever primary is asked next.
async fn task(store: RedisStore, number: u64, shared: Arc<Shared>) -> Result<u64> {
    let mut turn = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        turn += 1;
        match number % 40 {
            // While slots move all the time it may say that it cannot be whole.
            0 => match listed(&store).await {
                Ok(len) => {
                    assert_eq!(len, 1_000);
                    shared.lists.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => assert!(error.is_retryable(), "{error:?}"),
            },
            1..5 => {
                let keys: Vec<Key> = (0..300).map(key).collect();
                assert_eq!(store.read_many(&keys).await?.iter().flatten().count(), 300);
            }
            5..9 => {
                let own = |place: u64| Key::from_text(format!("b:{number}-{place}"));
                let batch = (0..100).map(|place| (own(place), record("1")));
                store.put_many(batch.collect()).await?;
                let keys: Vec<Key> = (0..100).map(own).collect();
                assert_eq!(store.read_many(&keys).await?.iter().flatten().count(), 100);
                store.delete_many(keys).await?;
            }
            _ => {
                let key = key((number * 31 + turn * 7) % 1_000);
                store.put(key.clone(), record("1")).await?;
                assert!(store.read(&key).await?.is_some());
            }
        }
        shared.done.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(turn)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn four_hundred_tasks_go_on_through_ten_reshards() -> Test {
    let cluster = Arc::new(RedisCluster::start());
    let store =
        RedisStore::options().response_timeout(Duration::from_secs(15)).connect(&cluster.url()).await?;
    fill(&store, 1_000).await?;
    let shared = Arc::new(Shared::default());
    let mut tasks = JoinSet::new();
    for number in 0..400 {
        tasks.spawn(task(store.clone(), number, Arc::clone(&shared)));
    }
    let done = || shared.done.load(Ordering::SeqCst);
    for round in 0..10 {
        let cluster = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || {
            let primaries: Vec<&RedisServer> = cluster.primaries().collect();
            cluster.reshard(primaries[round % 3], primaries[(round + 1) % 3], 60);
        })
        .await?;
        let before = done();
        let begin = Instant::now();
        while done() < before + 100 {
            assert!(begin.elapsed() < Duration::from_secs(30), "it stopped in round {round}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let lists = shared.lists.load(Ordering::SeqCst);
    shared.stop.store(true, Ordering::SeqCst);
    let mut failed = Vec::new();
    for ended in tasks.join_all().await {
        if let Err(error) = ended {
            failed.push(format!("{error:?}"));
        }
    }
    println!("{} calls, {lists} lists, {} tasks failed: {:?}", done(), failed.len(), failed.first());
    assert!(failed.is_empty(), "{} of 400 tasks failed: {:?}", failed.len(), failed.first());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_list_is_whole_or_fails() -> Test {
    let mut cluster = RedisCluster::start();
    let store =
        RedisStore::options().response_timeout(Duration::from_secs(1)).connect(&cluster.url()).await?;
    let indexed = RedisStore::options().list_index(true).response_timeout(Duration::from_secs(1));
    let indexed = indexed.connect(&cluster.url()).await?;
    fill(&store, 300).await?;
    // Connections that end all the time.
    for _ in 0..20 {
        for primary in cluster.primaries() {
            primary.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
            if let Ok(len) = listed(&store).await {
                assert_eq!(len, 300);
            }
            if let Ok(len) = indexed.rebuild_index("a").await {
                assert_eq!(len, 300);
            }
        }
    }
    assert_eq!(listed(&store).await?, 300);
    // A primary that is frozen, and one that dies.
    let frozen = cluster.primaries().next().ok_or("there are three")?.freeze();
    for _ in 0..3 {
        if let Ok(len) = listed(&store).await {
            assert_eq!(len, 300);
        }
    }
    drop(frozen);
    let dies = cluster.nodes.iter().position(|node| node.cli(&["ROLE"]).starts_with("master"));
    cluster.nodes[dies.ok_or("there are three")?].kill();
    let begin = Instant::now();
    loop {
        match listed(&store).await {
            Ok(len) => {
                assert_eq!(len, 300);
                break;
            }
            Err(error) => {
                assert!(error.is_retryable() && begin.elapsed() < Duration::from_secs(20), "{error:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_part_of_a_cluster_is_never_listed() -> Test {
    let cluster = RedisCluster::start();
    for url in [cluster.nodes[0].url(0), format!("{}?protocol=resp2", cluster.nodes[0].url(0))] {
        let store = RedisStore::connect(&url).await?;
        let users = Kv::new(store.clone()).collection::<User>();
        for error in [
            users.census().await.map(drop).expect_err("one node has a part of the keys"),
            users.list().page().await.map(drop).expect_err("one node has a part of the keys"),
        ] {
            assert!(format!("{error:?}").contains("`redis+cluster://`"), "{error:?}");
            assert!(!error.is_retryable(), "{error:?}");
        }
    }
    Ok(())
}

/// Of a batch one slot's node is frozen, and another one's refuses for the moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn nothing_that_is_unknown_is_written_again() -> Test {
    let cluster = RedisCluster::start();
    // The looks under plain keys would fail the batch before it is sent.
    let options = RedisStore::options().response_timeout(Duration::from_secs(1)).check_plain_keys(false);
    let store = options.connect(&cluster.url()).await?;
    // A busy machine may take longer to write them than the calls below may wait.
    fill(&RedisStore::connect(&cluster.url()).await?, 60).await?;
    let primaries: Vec<&RedisServer> = cluster.primaries().collect();
    primaries[1].cli(&["CONFIG", "SET", "min-replicas-to-write", "2"]);
    let on = |node: &RedisServer| {
        let there = node.cli(&["--raw", "KEYS", "*"]);
        (0..60_usize).filter(|number| there.contains(&format!("a:{number:04}"))).collect::<Vec<_>>()
    };
    let places: Vec<Vec<usize>> = primaries.iter().map(|node| on(node)).collect();
    let frozen = primaries[0].freeze();
    let retry = RetryStore::new(store.clone()).pauses(Duration::from_millis(100), Duration::from_secs(1));
    let batch: Vec<_> = (0..60).map(|number| (key(number), record("first writer"))).collect();
    let ended = retry.put_many(batch).await;
    drop(frozen);
    let Err(error) = ended else { return Err("a part was refused".into()) };
    let Error::Partial { written, also, unknown, .. } = &error else { return Err(error.into()) };
    assert!(!error.is_retryable() && error.to_string().contains("may have been written"), "{error}");
    assert_eq!(*unknown, places[0], "what lies on the frozen node");
    let done: Vec<usize> = (0..*written).chain(also.iter().copied()).collect();
    assert_eq!(done, places[2]);
    Ok(())
}
