//! What a store promises, by the suite that every store passes, run inside the runtime; and what the binding alone has.

use serde_json::json;

use super::Test;
use super::runtime::Worker;

/// How many tests of the suite apply to a store without compare-and-swap.
const APPLY: u64 = 62;

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_kv_binding_passes_the_suite() -> Test {
    let report = Worker::start("conformance")?.get("conformance").await?;
    assert_eq!(report["failed"], json!([]), "{}", report["table"]);
    assert!(report["passed"].as_u64() >= Some(APPLY), "{}", report["table"]);
    let skipped: Vec<_> = report["skipped"].as_array().into_iter().flatten().map(|skip| &skip[0]).collect();
    assert_eq!(
        skipped,
        [
            "batched_reads_are_of_one_moment",
            "replace_writes_what_is_unchanged",
            "replace_is_a_conflict_after_a_write"
        ]
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn the_binding_is_read_past_its_limits_and_its_errors_are_told() -> Test {
    let worker = Worker::start("conformance")?;
    // 36 MiB in four values, where one reply has 25.
    let large = worker.get("large-batch").await?;
    assert_eq!(large["lengths"], json!([9 << 20, 9 << 20, 9 << 20, 9 << 20]));
    let bytes = worker.get("no-text").await?;
    assert_eq!(bytes, json!({ "alone": [1, 255, 2], "among_others": [[1, 255, 2], null, [239, 191, 189]] }));
    let refused = worker.get("too-long-key").await?;
    assert_eq!(refused["retryable"], json!(false));
    let source = refused["source"].as_str().unwrap_or_default();
    assert!(source.contains("414") && source.contains("513"), "{source}");
    let unbound = worker.get("no-binding").await?;
    let told = "workers-kv: the Worker's configuration binds no KV namespace as `NOWHERE`; add it there";
    assert_eq!(unbound["error"], json!(told));
    Ok(())
}
