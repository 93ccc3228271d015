//! Calls inside the runtime beside the same by hand. The results go to `target/bench/workers.json`.
//! The goals are 1.15 for `durable/get` and `durable/update`, and 1.1 for `workers/hot-id`. As a
//! machine may do other things meanwhile, no figure fails the test.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Test;
use super::runtime::Worker;

/// As the Worker sets it.
const MEMORY_TTL: Duration = Duration::from_secs(2);

/// How many TTLs pass.
const TTLS: u32 = 5;

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn calls_are_measured_beside_the_same_by_hand() -> Test {
    let worker = Worker::start("conformance")?;
    let rounds = worker.get("durable/object/speed").await?;
    let mut cases = vec![
        durable("durable/get", &rounds["get"], &rounds["get_by_hand"])?,
        durable("durable/update", &rounds["update"], &rounds["update_by_hand"])?,
    ];
    let reads = reads_of_a_hot_id(&worker).await?;
    cases.push(case("workers/hot-id", (reads, 1.0), "reads of KV per memory_ttl", "one a TTL"));
    let bench = concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench");
    std::fs::create_dir_all(bench)?;
    std::fs::write(format!("{bench}/workers.json"), serde_json::to_string_pretty(&cases)?)?;
    Ok(())
}

fn case(name: &str, (ours, theirs): (f64, f64), unit: &str, peer: &str) -> Value {
    let ratio = ours / theirs;
    json!({ "case": name, "ours": ours, "theirs": theirs, "ratio": ratio, "unit": unit, "peer": peer })
}

/// The round of each kind that the machine disturbed least.
fn durable(name: &str, ours: &Value, theirs: &Value) -> Test<Value> {
    let least = |rounds: &Value| {
        let rounds = rounds.as_array().into_iter().flatten();
        rounds.filter_map(Value::as_u64).min().filter(|least| *least > 0).ok_or("there are no rounds")
    };
    let pair = (least(ours)? as f64, least(theirs)? as f64);
    Ok(case(name, pair, "ms for 2,000 calls", "the same SQL by hand"))
}

/// How many reads of KV an id costs for each TTL that is asked for all the time.
async fn reads_of_a_hot_id(worker: &Worker) -> Test<f64> {
    worker.fail(json!([])).await?;
    worker.get("faulty/put-hot").await?;
    worker.get("binding/ahead").await?;
    worker.fail(json!([])).await?;
    let (begin, mut requests) = (Instant::now(), JoinSet::new());
    while begin.elapsed() < MEMORY_TTL * TTLS {
        requests.spawn(worker.request(Method::GET, "binding/ahead", None).send());
        sleep(Duration::from_millis(20)).await;
    }
    let passed = begin.elapsed().as_secs_f64() / MEMORY_TTL.as_secs_f64();
    for answer in requests.join_all().await {
        assert_eq!(answer?.error_for_status()?.text().await?, r#"{"name":"Ada"}"#);
    }
    Ok(worker.asked().await?["GET"].as_f64().unwrap_or_default() / passed)
}
