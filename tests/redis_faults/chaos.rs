//! Faults at random while 64 tasks count: nothing that was acknowledged is lost, and all tasks go
//! on soon after the last repair.
//!
//! A run takes 10 seconds, or as many as `CHAOS_SECONDS` says. It prints its seed, and `CHAOS_SEED`
//! repeats the order of its faults.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use kv_runtime::store::{RedisOptions, RedisStore};
use tokio::time::Instant;

use super::Test;
use super::load::{Books, Counters, Load, counters, missing};
use super::proxy::Proxy;
use super::redis_server::{RedisCluster, RedisServer};

pub const TASKS: u64 = 64;
pub const COUNTERS: u64 = 40;

/// How long tasks may take to work again after the last repair.
const RECOVERY: Duration = Duration::from_secs(5);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

pub fn seeded() -> Rng {
    let seed = from_environment("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("CHAOS_SEED={seed}");
    Rng::with_seed(seed)
}

pub fn is_over(begin: Instant) -> bool {
    begin.elapsed() > Duration::from_secs(from_environment("CHAOS_SECONDS").unwrap_or(10))
}

pub fn options() -> RedisOptions {
    RedisStore::options().response_timeout(Duration::from_secs(1))
}

pub async fn pause(random: &mut Rng, most: u64) {
    tokio::time::sleep(Duration::from_millis(random.u64(20..most))).await;
}

/// Waits until so many changes are acknowledged as every task makes in a few turns.
pub async fn ends_well(load: Load, connection: &Counters) -> Result<Books, Box<dyn std::error::Error>> {
    let begin = Instant::now();
    load.goes_on(TASKS * 2).await?;
    assert!(begin.elapsed() < RECOVERY, "the tasks took {:?} to work again", begin.elapsed());
    let books = load.stop().await;
    assert_eq!(missing(connection, &books, COUNTERS).await?, [0; COUNTERS as usize]);
    let unknown = books.unknown.values().sum::<u64>();
    println!(
        "{} changes acknowledged, {unknown} unknown, {} given up, none lost",
        books.total(),
        books.failed
    );
    Ok(books)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_loses_nothing() -> Test {
    let mut random = seeded();
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let proxy = Proxy::start(server.port());
    let connection = counters(options().connect(&proxy.url()).await?);
    let load = Load::start(std::slice::from_ref(&connection), TASKS, COUNTERS);
    let begin = Instant::now();
    while !is_over(begin) {
        match random.u8(0..6) {
            0 => {
                server.kill();
                pause(&mut random, 600).await;
                server.restart();
            }
            1 => {
                let frozen = server.freeze();
                pause(&mut random, 1_500).await;
                drop(frozen);
            }
            2 => proxy.cut(),
            3 => proxy.silence(),
            4 => {
                proxy.answer(Some(b"-LOADING the data\r\n"));
                proxy.cut();
                pause(&mut random, 500).await;
                proxy.answer(None);
                proxy.cut();
            }
            _ => {
                proxy.delay(Duration::from_millis(random.u64(1..50)));
                pause(&mut random, 500).await;
                proxy.delay(Duration::ZERO);
            }
        }
        pause(&mut random, 600).await;
    }
    ends_well(load, &connection).await.map(drop)
}

/// Without a failover, which may lose what the replica does not have: `failover` counts that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_loses_nothing() -> Test {
    let mut random = seeded();
    let cluster = Arc::new(RedisCluster::start());
    let connection = counters(options().connect(&cluster.url()).await?);
    let load = Load::start(std::slice::from_ref(&connection), TASKS, COUNTERS);
    let begin = Instant::now();
    while !is_over(begin) {
        let (one, other) = (random.usize(0..3), random.usize(1..3));
        let kind = random.u8(0..3);
        let milliseconds = random.u64(50..400);
        let cluster = Arc::clone(&cluster);
        let fault = move || {
            let primaries: Vec<&RedisServer> = cluster.primaries().collect();
            match kind {
                0 => drop(primaries[one].cli(&["CLIENT", "KILL", "TYPE", "normal"])),
                1 => {
                    let _frozen = primaries[one].freeze();
                    std::thread::sleep(Duration::from_millis(milliseconds));
                }
                _ => cluster.reshard(primaries[one], primaries[(one + other) % 3], 40),
            }
        };
        tokio::task::spawn_blocking(fault).await?;
        pause(&mut random, 600).await;
    }
    ends_well(load, &connection).await.map(drop)
}
