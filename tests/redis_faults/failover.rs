//! A cluster one of whose primaries is killed under load.

use std::error::Error;
use std::time::Duration;

use kv_runtime::layer::NamespaceStore;
use kv_runtime::store::{RedisOptions, RedisStore};
use kv_runtime::{Kv, KvEntity};

use super::Test;
use super::load::{Books, Counters, Load, counters, missing};
use super::redis_server::RedisCluster;

const CONNECTIONS: usize = 8;
const TASKS: u64 = 64;
const RECORDS: u64 = 100;

/// 64 tasks on 8 connections change 100 records while a primary is killed and its replica takes over.
async fn through_a_failover(
    cluster: &mut RedisCluster,
    connections: &[Counters],
) -> Result<Books, Box<dyn Error>> {
    let load = Load::start(connections, TASKS, RECORDS);
    load.goes_on(2_000).await?;
    let primary = cluster.nodes.iter_mut().find(|node| node.cli(&["ROLE"]).starts_with("master"));
    let primary = primary.ok_or("the cluster has no primary")?;
    primary.kill();
    // The others take a second to give it up, and another to choose.
    tokio::time::sleep(Duration::from_secs(4)).await;
    load.goes_on(500).await?;
    // It comes back as a replica of the one that was its own.
    primary.restart();
    load.goes_on(3_000).await?;
    Ok(load.stop().await)
}

/// Replication is asynchronous: what the primary acknowledged in its last moments may not have reached its replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn tasks_go_on_through_a_failover() -> Test {
    let missing = missing_after_a_failover(RedisStore::options()).await?;
    assert!(missing <= TASKS, "{missing} lost, and each task has one change under way at a time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn nothing_is_lost_by_who_waits_for_the_replica() -> Test {
    let options = RedisStore::options().wait_for_replicas(1, Duration::from_millis(200));
    assert_eq!(missing_after_a_failover(options).await?, 0);
    Ok(())
}

/// How many acknowledged changes a failover has lost.
async fn missing_after_a_failover(options: RedisOptions) -> Result<u64, Box<dyn Error>> {
    let mut cluster = RedisCluster::start();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(counters(options.clone().connect(&cluster.url()).await?));
    }
    let books = through_a_failover(&mut cluster, &connections).await?;
    let missing = missing(&connections[0], &books, RECORDS).await?;
    println!(
        "{} changes acknowledged, {} unknown, {} given up, {missing} lost",
        books.total(),
        books.unknown.values().sum::<u64>(),
        books.failed
    );
    Ok(missing)
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
