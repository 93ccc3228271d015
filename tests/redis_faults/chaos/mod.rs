//! Faults at random while 64 tasks count: nothing that was acknowledged is lost, and every task goes
//! on soon after the last repair.
//!
//! A run takes 10 seconds, or as many as `CHAOS_SECONDS` says. It prints its seed, and `CHAOS_SEED`
//! repeats the order of its faults.

mod cluster;
mod sentinel;
mod server;

use std::time::Duration;

use fastrand::Rng;
use kv_runtime::store::{RedisOptions, RedisStore};
use tokio::time::Instant;

use super::load::{Books, Counters, Load, counters, missing};

const TASKS: u64 = 64;
const COUNTERS: u64 = 40;

/// How many connections the tasks share where writes wait for a replica: while one waits, the other
/// calls on its connection wait.
const CONNECTIONS: usize = 8;

/// How long a task may take to work again after the last repair.
const RECOVERY: Duration = Duration::from_secs(5);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeded() -> Rng {
    let seed = from_environment("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("CHAOS_SEED={seed}");
    Rng::with_seed(seed)
}

fn is_over(begin: Instant) -> bool {
    begin.elapsed() > Duration::from_secs(from_environment("CHAOS_SECONDS").unwrap_or(10))
}

fn options() -> RedisOptions {
    RedisStore::options().response_timeout(Duration::from_secs(1))
}

async fn pause(random: &mut Rng, most: u64) {
    tokio::time::sleep(Duration::from_millis(random.u64(20..most))).await;
}

/// Several stores whose writes wait for a replica.
async fn waiting(url: &str) -> Result<Vec<Counters>, kv_runtime::Error> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let waits = options().wait_for_replicas(1, Duration::from_millis(300));
        connections.push(counters(waits.connect(url).await?));
    }
    Ok(connections)
}

/// Waits until every task works, and compares what is there with the books. `calm` is how long that
/// took before the faults. It is measured again behind them: a busy machine is no fault.
async fn ends_well(
    load: Load,
    connection: &Counters,
    calm: Duration,
) -> Result<Books, Box<dyn std::error::Error>> {
    let time = load.every_task_goes_on(1).await?;
    let calm = calm.max(load.every_task_goes_on(1).await?);
    assert!(time < RECOVERY + calm, "the tasks took {time:?} to work again, and {calm:?} without a fault");
    let books = load.stop().await;
    assert_eq!(missing(connection, &books, COUNTERS).await?, [0; COUNTERS as usize]);
    let unknown = books.unknown.values().sum::<u64>();
    println!(
        "{} changes acknowledged, {unknown} unknown, {} given up, none lost; all tasks went on within {time:?}",
        books.total(),
        books.failed
    );
    Ok(books)
}
