//! One server that is killed under load, and comes back with what it has on its disk.

use kv_runtime::store::RedisStore;

use super::Test;
use super::load::{Load, counters, missing};
use super::redis_server::RedisServer;

const COUNTERS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() -> Test {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let connection = counters(RedisStore::connect(&server.url(0)).await?);
    let load = Load::start(std::slice::from_ref(&connection), 8, COUNTERS);
    for _ in 0..3 {
        load.goes_on(200).await?;
        server.kill();
        server.restart();
    }
    // The clients have come back by themselves.
    load.goes_on(200).await?;
    let books = load.stop().await;
    assert_eq!(missing(&connection, &books, COUNTERS).await?, [0; COUNTERS as usize]);
    println!(
        "3 crashes, {} changes acknowledged, {} unknown, {} given up, none lost",
        books.total(),
        books.unknown.values().sum::<u64>(),
        books.failed
    );
    Ok(())
}
