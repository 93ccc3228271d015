//! Durable Objects: the store inside one, and its client.

use serde_json::{Value, json};

use super::Test;
use super::runtime::Worker;

/// How many tests of the suite apply.
const APPLY: u64 = 96;

async fn passes(path: &str) -> Test {
    let report = Worker::start("conformance")?.get(path).await?;
    assert_eq!(report["failed"], json!([]), "{}", report["table"]);
    assert!(report["passed"].as_u64() >= Some(APPLY), "{}", report["table"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_store_in_an_object_passes_the_suite() -> Test {
    passes("durable/inside").await
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_client_of_objects_passes_the_suite() -> Test {
    passes("durable/client").await
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_commit_that_breaks_off_leaves_nothing() -> Test {
    let broken = Worker::start("conformance")?.get("durable/object/broken").await?;
    assert_eq!(broken["read"], json!(["1", null]), "{broken}");
    let source = broken["failed"]["source"].as_str().unwrap_or_default();
    assert!(source.contains("it is refused"), "{broken}");
    assert_eq!(broken["failed"]["retryable"], json!(false));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn an_alarm_removes_what_has_expired() -> Test {
    let swept = Worker::start("conformance")?.get("durable/object/sweep").await?;
    assert_eq!(swept["rows"], json!([1_004, 1_004, 4]), "{swept}");
    let seconds = swept["seconds_to_alarm"].as_u64().ok_or("no alarm was set")?;
    assert!((80..=90).contains(&seconds), "{swept}");
    let next = swept["seconds_to_next"].as_u64().ok_or("no alarm was set for what is left")?;
    assert!(next <= 1, "{swept}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn what_needs_two_objects_is_refused_before_anything_is_sent() -> Test {
    let worker = Worker::start("conformance")?;
    let across = worker.get("durable/across").await?;
    let told = |answer: &Value| answer["error"].as_str().unwrap_or_default().to_owned();
    for commit in across["commits"].as_array().ok_or("there are no commits")? {
        let told = told(commit);
        assert!(told.contains("`across:2`") && told.contains("keys in several objects"), "{told}");
    }
    assert!(told(&across["list"]).contains("a list over several objects"), "{across}");
    assert_eq!(across["there"], json!([false, false]));
    let unbound = told(&worker.get("durable/no-binding").await?);
    assert!(unbound.contains("binds no Durable Object as `NOWHERE`; add it there"), "{unbound}");
    Ok(())
}

/// Backfills, caches and transactions need no more of a store than the suite asks of it, and run in
/// an object as elsewhere.
#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn collections_in_an_object_migrate_cache_and_transact() -> Test {
    let calls = Worker::start("conformance")?.get("durable/object/calls").await?;
    let expected = json!({
        "migrated": [3, 0, 3],
        "read": ["note 0!", "note 0!"],
        "hits": 2,
        "moved": ["note 2note 1", ""],
    });
    assert_eq!(calls, expected);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn updates_through_clients_count_exactly() -> Test {
    assert_eq!(Worker::start("conformance")?.get("durable/count").await?, json!(16));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_batch_goes_to_the_objects_of_its_keys() -> Test {
    let shards = Worker::start("conformance")?.get("durable/shards").await?;
    let expected = json!({
        "read": true,
        "commit": true,
        "listed": ["s:1:g", "s:1:h"],
        "left": [false, true],
    });
    assert_eq!(shards, expected);
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_batch_over_objects_says_what_it_has_written() -> Test {
    let partial = Worker::start("conformance")?.get("durable/partial").await?;
    assert_eq!(partial["parts"], json!([1, [2], []]), "{partial}");
    assert_eq!(partial["there"], json!([true, false, true]), "{partial}");
    let told = partial["failed"]["error"].as_str().unwrap_or_default();
    assert!(told.contains("`p:2`") && told.contains("the first 1 and 1 more were written"), "{told}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_message_of_another_form_is_told() -> Test {
    let form = Worker::start("conformance")?.get("durable/form").await?;
    assert_eq!(form["status"], json!(200));
    // Format 1, a failure, of the form.
    let head = form["bytes"].as_array().and_then(|bytes| bytes.get(..3)).map(<[Value]>::to_vec);
    assert_eq!(head, Some(vec![json!(1), json!(5), json!(3)]));
    Ok(())
}
