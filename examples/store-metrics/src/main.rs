//! Metrics of a store with the `metrics` crate: `cargo run -p store-metrics`.
//!
//! `ObservedStore` counts and times the calls of a store. export.rs passes its numbers to `metrics`
//! under OpenTelemetry's names, and an exporter for Prometheus writes them. Here the store takes
//! 3 ms for a put and 8 ms for a commit, and one commit fails at once. The program prints the error
//! of that commit, and some of the lines that Prometheus reads:
//!
//! ```text
//! User `user:5` in memory: the store failed to commit; a retry may help
//! db_client_operation_duration_bucket{db_system_name="memory",db_operation_name="commit",le="0.005"} 1
//! db_client_operation_duration_bucket{db_system_name="memory",db_operation_name="commit",le="0.01"} 10
//! db_client_operation_duration_bucket{db_system_name="memory",db_operation_name="put",le="0.005"} 20
//! db_client_operation_duration_bucket{db_system_name="memory",db_operation_name="put",le="0.01"} 20
//! db_client_operation_duration_count{db_system_name="memory",db_operation_name="commit"} 10
//! db_client_operation_duration_count{db_system_name="memory",db_operation_name="put"} 20
//! kv_client_calls{db_system_name="memory",db_operation_name="commit",outcome="done"} 9
//! kv_client_calls{db_system_name="memory",db_operation_name="commit",outcome="retryable"} 1
//! kv_client_calls{db_system_name="memory",db_operation_name="put",outcome="done"} 20
//! ```
//!
//! Prometheus allows no dots in names, so its exporter writes `db.client.operation.duration` with
//! `_`.

mod export;

use std::error::Error;
use std::future::ready;
use std::time::Duration;

use export::{DURATION, Exporter, SECONDS};
use kv_runtime::layer::{Fault, FaultStore, ObservedStore, Operation};
use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Clock, Kv, KvEntity, ManualClock, Timer, Timestamp};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    visits: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let duration = Matcher::Full(DURATION.to_owned());
    let prometheus =
        PrometheusBuilder::new().set_buckets_for_metric(duration, &SECONDS)?.install_recorder()?;

    let store = ObservedStore::new(slow_store());
    let kv = Kv::new(store);
    let mut exporter = Exporter::new(kv.store().name());

    let users = kv.collection::<User>();
    for id in 1..=20 {
        users.put(&User { id, visits: 0 }).await?;
        // As often as you like: what was exported is not exported again.
        exporter.export(&kv.store().stats());
    }
    for id in 1..=10 {
        if let Err(error) = users.update(id, |user| user.visits += 1).await {
            println!("{error}");
        }
    }
    exporter.export(&kv.store().stats());
    show(&prometheus.render());
    Ok(())
}

/// Prints what Prometheus reads, of two operations and few buckets.
fn show(metrics: &str) {
    let is_shown = |line: &&str| {
        [r#"name="put""#, r#"name="commit""#].iter().any(|operation| line.contains(operation))
            && ["outcome=", r#"le="0.005""#, r#"le="0.01""#, "_count"].iter().any(|it| line.contains(it))
    };
    let mut lines: Vec<&str> = metrics.lines().filter(is_shown).collect();
    lines.sort_unstable();
    for line in lines {
        println!("{line}");
    }
}

/// A store in memory with delays. They end at once and move the clock, so the figures are the same
/// in each run.
fn slow_store() -> FaultStore<MemoryStore> {
    let manual = ManualClock::new(Timestamp::from_millis(1_764_000_000_000));
    let clock = Clock::from(&manual).with_timer(Timer::new(move |duration| {
        manual.advance(duration);
        ready(())
    }));
    let store = FaultStore::new(MemoryStore::with_clock(clock));
    store.faults().add(Fault::fail().on(&[Operation::Commit]).skip(4).times(1));
    store.faults().add(Fault::delay(Duration::from_millis(3)).on(&[Operation::Put]));
    store.faults().add(Fault::delay(Duration::from_millis(8)).on(&[Operation::Commit]));
    store
}
