//! A cluster one of whose primaries is killed under load.

use std::error::Error;
use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::layer::{NamespaceStore, RetryStore};
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{RedisOptions, RedisStore, StoreExt};
use kv_runtime::{Kv, KvEntity};

use super::Test;
use super::load::{Books, Load, counters, missing};
use super::redis_server::{RedisCluster, RedisServer};

const CONNECTIONS: usize = 8;
const TASKS: u64 = 64;
const RECORDS: u64 = 100;

/// What a failover under load has left.
struct Outcome {
    books: Books,
    /// How many acknowledged changes each counter is missing.
    missing: Vec<u64>,
    /// How many of each were acknowledged before the replica was seen to have all that its primary
    /// had.
    replicated: Vec<u64>,
    /// Whether a counter lay on the primary that died.
    died: Vec<bool>,
}

/// 64 tasks on 8 connections change 100 records while a primary is killed and its replica takes
/// over.
async fn through_a_failover(options: RedisOptions) -> Result<Outcome, Box<dyn Error>> {
    let mut cluster = RedisCluster::start();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(counters(options.clone().connect(&cluster.url()).await?));
    }
    let load = Load::start(&connections, TASKS, RECORDS);
    load.goes_on(2_000).await?;
    let primary = cluster.nodes.iter().position(|node| node.cli(&["ROLE"]).starts_with("master"));
    let primary = primary.ok_or("the cluster has no primary")?;
    let keys = cluster.nodes[primary].cli(&["--raw", "KEYS", "*"]);
    let died = (0..RECORDS).map(|id| keys.lines().any(|key| key == format!("{{counter:{id}}}"))).collect();
    let replicated = load.acknowledged_by_counter();
    replicates_all_until_now(&cluster, &cluster.nodes[primary]).await?;
    cluster.nodes[primary].kill();
    // The others take a second to give it up, and another to choose.
    tokio::time::sleep(Duration::from_secs(4)).await;
    load.goes_on(500).await?;
    // It comes back as a replica of the one that was its own.
    cluster.nodes[primary].restart();
    load.goes_on(3_000).await?;
    let books = load.stop().await;
    let missing = missing(&connections[0], &books, RECORDS).await?;
    println!(
        "{} changes acknowledged, {} unknown, {} given up, {} lost",
        books.total(),
        books.unknown.values().sum::<u64>(),
        books.failed,
        missing.iter().sum::<u64>()
    );
    Ok(Outcome { books, missing, replicated, died })
}

/// Waits until the replica of a primary has what the primary has now.
async fn replicates_all_until_now(cluster: &RedisCluster, primary: &RedisServer) -> Test {
    let role =
        |node: &RedisServer| node.cli(&["--raw", "ROLE"]).lines().map(str::to_owned).collect::<Vec<_>>();
    // `master`, how much it has written, and of its replica address, port and what that has said to
    // have.
    let told = role(primary);
    let [_, written, _, port, ..] = told.as_slice() else {
        return Err(format!("no replica: {told:?}").into());
    };
    let (written, port): (u64, u16) = (written.parse()?, port.parse()?);
    let replica = cluster.nodes.iter().find(|node| node.port() == port).ok_or("the replica is no node")?;
    for _ in 0..500 {
        // `slave`, its primary's address and port, `connected`, and how much it has.
        if role(replica).get(4).and_then(|has| has.parse::<u64>().ok()).is_some_and(|has| has >= written) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("the replica does not come after".into())
}

/// Replication is asynchronous: what the primary acknowledged in its last moments may not have
/// reached its replica. Nothing else is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn nothing_is_lost_but_what_the_replica_had_not() -> Test {
    let Outcome { books, missing, replicated, died } = through_a_failover(RedisStore::options()).await?;
    assert!(died.contains(&true) && died.contains(&false), "the counters lie on all primaries: {died:?}");
    for (id, ((missing, replicated), died)) in (0..).zip(missing.iter().zip(&replicated).zip(died)) {
        let acknowledged = books.acknowledged.get(&id).copied().unwrap_or_default();
        let may_be_lost = if died { acknowledged - replicated } else { 0 };
        assert!(
            *missing <= may_be_lost,
            "counter {id} lost {missing} of {acknowledged}, of which {replicated} were replicated; died: {died}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_client_that_waits_for_the_replica_loses_nothing() -> Test {
    let options = RedisStore::options().wait_for_replicas(1, Duration::from_millis(200));
    assert_eq!(through_a_failover(options).await?.missing, [0; RECORDS as usize]);
    Ok(())
}

/// The same, made certain: the primary's replica receives nothing more, so writes that the primary
/// acknowledges are lost with it. A client that waits for replicas gets an error.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn writes_that_the_replica_lacks_are_lost_and_a_client_that_waits_gets_an_error() -> Test {
    let mut cluster = RedisCluster::start();
    let store = RedisStore::connect(&cluster.url()).await?;
    let waits = RedisStore::options().wait_for_replicas(1, Duration::from_millis(100));
    let waits = waits.connect(&cluster.url()).await?;
    let keys: Vec<Key> = (0..30).map(|number| Key::from_text(format!("a:{number}"))).collect();
    let record = |value: &str| NewRecord::new(value.to_owned(), Metadata::default());
    for key in &keys {
        waits.put(key.clone(), record("replicated")).await?;
    }
    let dies = cluster.nodes.iter().position(|node| node.cli(&["ROLE"]).starts_with("master"));
    let dies = dies.ok_or("the cluster has no primary")?;
    let there = cluster.nodes[dies].cli(&["--raw", "KEYS", "*"]);
    let (dying, living): (Vec<&Key>, Vec<&Key>) =
        keys.iter().partition(|key| there.lines().any(|there| there == format!("{{{}}}", key.as_str())));
    assert!(!dying.is_empty() && !living.is_empty(), "the keys lie on all primaries");

    // Its replica is thrown out, and has no password to come back with; clients that are connected
    // stay.
    cluster.nodes[dies].cli(&["CONFIG", "SET", "requirepass", "s3cret"]);
    cluster.nodes[dies].cli(&["-a", "s3cret", "--no-auth-warning", "CLIENT", "KILL", "TYPE", "replica"]);
    for key in &keys {
        store.put(key.clone(), record("acknowledged")).await?;
    }
    for key in &dying {
        let told = waits.put((*key).clone(), record("not acknowledged")).await;
        assert!(matches!(told, Err(kv_runtime::Error::OutcomeUnknown { .. })), "{told:?}");
    }
    cluster.nodes[dies].kill();

    let store =
        RetryStore::new(store).attempts(30).pauses(Duration::from_millis(50), Duration::from_millis(500));
    let value = async |key: &Key| -> Result<String, Box<dyn Error>> {
        let record = store.read(key).await?.ok_or_else(|| format!("`{}` is gone", key.as_str()))?;
        Ok(String::from_utf8(record.value.to_vec())?)
    };
    for key in dying {
        assert_eq!(value(key).await?, "replicated", "{}", key.as_str());
    }
    for key in living {
        assert_eq!(value(key).await?, "acknowledged", "{}", key.as_str());
    }
    Ok(())
}

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    dark: bool,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_tenants_entities_stay_together_on_a_cluster() -> Test {
    let cluster = RedisCluster::start();
    let store = RedisStore::connect(&cluster.url()).await?;
    for tenant in ["acme", "b{r}: 100%"] {
        let users = Kv::new(NamespaceStore::new(store.clone(), tenant)).collection::<User>();
        for id in 0..20 {
            users.insert(&User { id, name: "Ada".to_owned(), dark: false }).await?;
            // Both groups in one commit, which a cluster has within a slot alone.
            let both = |user: &mut User| (user.name, user.dark) = (tenant.to_owned(), true);
            users.update(id, both).await?;
        }
        assert_eq!(users.list().ids().page().await?.ids.len(), 20);
        assert_eq!(users.get(7).await?, Some(User { id: 7, name: tenant.to_owned(), dark: true }));
    }
    Ok(())
}
