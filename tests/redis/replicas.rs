//! Writes that wait for replicas, when the replica or an answer does not come.

use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::store::{Commit, Condition, Expect, RedisStore, Store, StoreExt, Write};

use super::proxy::{Fault, Proxy};
use super::redis_server::RedisServer;
use super::{Test, key, record, shown};

/// A server, and its replica once it has all of the server's data.
pub(super) fn replicated() -> (RedisServer, RedisServer) {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    for _ in 0..600 {
        if replica.cli(&["ROLE"]).contains("connected") {
            return (primary, replica);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the replica does not connect within 30 s");
}

fn is_unconfirmed<T>(written: &Result<T, Error>) -> bool {
    let Err(error @ Error::OutcomeUnknown { .. }) = written else { return false };
    shown(error).contains("0 of 1 replicas have confirmed it")
}

/// A lost answer is settled on a new connection, which has written nothing that `WAIT` would wait
/// for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_settled_write_waits_for_the_replica_too() -> Test {
    let (primary, replica) = replicated();
    let proxy = Proxy::start(primary.port());
    let options = RedisStore::options().wait_for_replicas(1, Duration::from_millis(200));
    let store = options.connect(&proxy.url()).await?;
    let cut = || proxy.arm(Fault::CutReply(0, Box::new(|| ())));
    store.put(key("a:1"), record("1")).await?;
    cut();
    store.put(key("a:1"), record("2")).await?;
    assert_eq!(replica.cli(&["EXISTS", "a:1"]).trim(), "1");

    let frozen = replica.freeze();
    let absent = |text: &str| vec![Condition::new(key(text), Expect::Absent)];
    let batch = |from: usize| (from..from + 3).map(|id| (key(&format!("b:{id}")), record("1"))).collect();
    for is_lost in [false, true] {
        let text = format!("a:{is_lost}");
        if is_lost {
            cut();
        }
        let put = store.put(key(&text), record("1")).await;
        assert!(is_unconfirmed(&put), "lost: {is_lost}: {put:?}");
        if is_lost {
            cut();
        }
        let put = store.put_many(batch(usize::from(is_lost) * 3)).await;
        assert!(is_unconfirmed(&put), "lost: {is_lost}: {put:?}");
        let text = format!("c:{is_lost}");
        // The script is there, so that its answer is the one that is lost.
        let known = store.commit(absent("a:1"), Write::Put(key(&text), record("1")).into()).await?;
        assert_eq!(known, Commit::Conflict(0));
        if is_lost {
            cut();
        }
        let commit = store.commit(absent(&text), Write::Put(key(&text), record("1")).into()).await;
        assert!(is_unconfirmed(&commit), "lost: {is_lost}: {commit:?}");
    }
    drop(frozen);
    store.put(key("a:1"), record("3")).await?;
    Ok(())
}
