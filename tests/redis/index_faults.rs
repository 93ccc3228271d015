//! The list index when something is in its way: what it refuses, and calls that nobody goes on
//! with.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::store::{
    Commit, Condition, Content, Expect, ListPage, ListQuery, RedisStore, Store, StoreExt, Write,
};

use super::proxy::Proxy;
use super::redis_server::{RedisCluster, RedisServer};
use super::{Test, key, record, shown};

fn list(limit: usize) -> ListQuery {
    ListQuery::new(key("user:")).with_limit(limit).with_content(Content::Keys)
}

fn is_of_index(error: &Error) -> bool {
    let text = shown(error);
    !error.is_retryable() && text.contains("a key of the list index is no sorted set")
}

/// The shards are of another type, and the server knows no script.
fn spoil(cli: impl Fn(&[&str]) -> String) {
    for number in 0..16 {
        let shard = format!("{{#index:user:{number}}}");
        cli(&["DEL", &shard]);
        assert_eq!(cli(&["SET", &shard, "x"]).trim(), "OK");
    }
}

/// Record and entry are written both or neither.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn what_the_index_refuses_is_not_written() -> Test {
    let server = RedisServer::start();
    let cluster = RedisCluster::start();
    let on_cluster = |arguments: &[&str]| {
        cluster.cli(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
    };
    spoil(|arguments| server.cli(arguments));
    spoil(on_cluster);
    let absent = |text: &str| Condition::new(key(text), Expect::Absent);
    for (url, is_there) in [
        (
            format!("{}?list_index=true", server.url(0)),
            &(|text: &str| server.cli(&["EXISTS", text])) as &dyn Fn(&str) -> String,
        ),
        (format!("{}?list_index=true", cluster.url()), &|text| {
            on_cluster(&["EXISTS", &format!("{{{text}}}")])
        }),
    ] {
        let store = RedisStore::connect(&url).await?;
        for number in 0..20 {
            let [one, two, three] = [1, 2, 3].map(|kind| format!("user:{number}-{kind}"));
            server.cli(&["SCRIPT", "FLUSH"]);
            let put = store.put(key(&one), record("{}")).await;
            assert!(put.as_ref().is_err_and(is_of_index), "{url}: {put:?}");
            let commit = store.commit(vec![absent(&two)], Write::Put(key(&two), record("{}")).into()).await;
            assert!(commit.as_ref().is_err_and(is_of_index), "{url}: {commit:?}");
            // A batch may say which places were written: none.
            let batch = store.put_many(vec![(key(&one), record("{}")), (key(&three), record("{}"))]).await;
            let refused = batch.expect_err("the shards take nothing");
            assert!(shown(&refused).contains("list index"), "{url}: {refused:?}");
            for text in [one, two, three] {
                assert_eq!(is_there(&text).trim(), "0", "{url}: `{text}` is written without its entry");
            }
        }
        let listed = store.page(&list(10)).await;
        assert!(listed.as_ref().is_err_and(is_of_index), "{url}: {listed:?}");
        for refused in
            [store.rebuild_index("user").await.map(drop), store.sweep_index("user").await.map(drop)]
        {
            assert!(refused.as_ref().is_err_and(is_of_index), "{url}: {refused:?}");
        }
    }
    // As the error says: the keys are deleted, and the next list rebuilds the index.
    for number in 0..16 {
        server.cli(&["DEL", &format!("{{#index:user:{number}}}")]);
    }
    let store = RedisStore::connect(&format!("{}?list_index=true", server.url(0))).await?;
    store.put(key("user:1"), record("{}")).await?;
    assert_eq!(store.page(&list(10)).await?.keys().collect::<Vec<_>>(), ["user:1"]);
    Ok(())
}

/// A server that has lost every script runs them again, and the index has what it wrote.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_forgotten_script_writes_the_entry_too() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&format!("{}?list_index=true", server.url(0))).await?;
    assert_eq!(store.rebuild_index("user").await?, 0);
    for number in 0..10 {
        let [one, two, three] = [1, 2, 3].map(|kind| key(&format!("user:{number}-{kind}")));
        server.cli(&["SCRIPT", "FLUSH"]);
        store.put(one, record("{}")).await?;
        server.cli(&["SCRIPT", "FLUSH"]);
        store.put_many(vec![(two, record("{}"))]).await?;
        server.cli(&["SCRIPT", "FLUSH"]);
        let absent = Condition::new(three.clone(), Expect::Absent);
        let commit = store.commit(vec![absent], Write::Put(three, record("{}")).into()).await?;
        assert_eq!(commit, Commit::Done);
    }
    assert_eq!(store.page(&list(100)).await?.len(), 30);
    Ok(())
}

/// Drives a list for some steps, and keeps it. The answers come one every few milliseconds.
async fn parked_list(
    store: &RedisStore,
    steps: u32,
) -> Option<impl Future<Output = Result<ListPage, Error>>> {
    let store = store.clone();
    let mut parked = Box::pin(async move { store.page(&list(10)).await });
    for _ in 0..steps {
        if tokio::time::timeout(Duration::from_millis(6), &mut parked).await.is_ok() {
            return None;
        }
    }
    Some(parked)
}

/// A list that has found the index lost, and that nobody polls any more, stops no other one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_list_that_is_left_alone_stops_no_other() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&format!("{}?list_index=true", proxy.url())).await?;
    store.put(key("user:1"), record("{}")).await?;
    assert_eq!(store.page(&list(10)).await?.len(), 1);
    proxy.delay(Duration::from_millis(5));
    let mut parked = Vec::new();
    for steps in 1..12 {
        server.cli(&["DEL", "{#index:user:3}"]);
        parked.extend(parked_list(&store, steps).await);
        let other = tokio::time::timeout(Duration::from_secs(5), store.page(&list(10))).await;
        let page = other.map_err(|_| format!("a list waits for one left alone after {steps} steps"))?;
        assert_eq!(page?.len(), 1);
    }
    assert!(parked.len() > 5, "{} lists were left alone", parked.len());
    Ok(())
}

/// Any number of calls that were begun, and that nobody polls any more, leave room for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn calls_that_are_left_alone_stop_no_other() -> Test {
    let server = RedisServer::start();
    let cluster = RedisCluster::start();
    for url in [server.url(0), cluster.url()] {
        let store = RedisStore::connect(&url).await?;
        store.put(key("a:1"), record("1")).await?;
        let servers = cluster.nodes.iter().chain([&server]);
        let frozen: Vec<_> = servers.map(RedisServer::freeze).collect();
        let mut parked = Vec::new();
        for _ in 0..10_000 {
            let store = store.clone();
            let mut call = Box::pin(tokio::task::unconstrained(async move { store.read(&key("a:1")).await }));
            let is_pending = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
            assert!(is_pending, "nobody answers");
            parked.push(call);
        }
        drop(frozen);
        for _ in 0..3 {
            let other = tokio::time::timeout(Duration::from_secs(3), store.read(&key("a:1"))).await;
            assert!(other.map_err(|_| "a call waits for those left alone")??.is_some(), "{url}");
        }
    }
    Ok(())
}
