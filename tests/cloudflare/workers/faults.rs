//! A binding that fails, in the runtime's own words: each failure is a clear error that says whether a retry helps, or is made good by one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Test;
use super::runtime::Worker;

/// What the Worker is asked for, and what the runtime then asks the namespace for.
const READS: [(&str, &str); 3] = [("get", "GET"), ("get-many", "BULK"), ("list", "LIST")];
const WRITES: [(&str, &str); 2] = [("put", "PUT"), ("delete", "DELETE")];

/// More than the runtime itself makes a request again whose connection was lost.
const EACH_TIME: u32 = 20;

/// What comes of a call while requests fail so.
async fn call(worker: &Worker, operation: &str, faults: Value) -> Test<Value> {
    worker.fail(faults).await?;
    worker.get(&format!("faulty/{operation}")).await
}

fn fault(asked: &str, reply: impl Into<Value>, times: u32) -> Value {
    json!([{ "asked": asked, "reply": reply.into(), "times": times }])
}

/// What an error tells: its kind, whether a retry may help, and its cause.
fn told(answer: &Value) -> (&str, bool, &str) {
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    (text("kind"), answer["retryable"] == json!(true), text("source"))
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_failure_says_whether_a_retry_helps() -> Test {
    let worker = Worker::start("conformance")?;
    assert_eq!(call(&worker, "put-many", json!([])).await?, json!({ "done": null }));
    for (operation, asked) in READS.into_iter().chain(WRITES) {
        let writes = WRITES.contains(&(operation, asked));
        let verb = if asked == "LIST" { "GET" } else { asked };
        let verb = if asked == "BULK" { "GET_BULK" } else { verb };
        for (status, words) in [
            (429, "Too Many Requests"),
            (500, "Internal Server Error"),
            (503, "Service Unavailable"),
            (401, "Unauthorized"),
        ] {
            let answer = call(&worker, operation, fault(asked, status, EACH_TIME)).await?;
            // What the service may have done although it failed is not said to have failed.
            let expected = match status {
                500.. if writes => ("unknown", false),
                429 | 500.. => ("failed", true),
                _ => ("failed", false),
            };
            let source = format!("KV {verb} failed: {status} {words}");
            assert_eq!(
                told(&answer),
                (expected.0, expected.1, source.as_str()),
                "{operation} {status}: {answer}"
            );
            // A call that fails is made once: the Worker decides what its calls are spent on.
            assert_eq!(worker.asked().await?, json!({ asked: 1 }), "{operation} {status}");
        }
        let answer = call(&worker, operation, fault(asked, "cut", EACH_TIME)).await?;
        let (kind, retryable) = if writes { ("unknown", false) } else { ("failed", true) };
        assert_eq!(told(&answer), (kind, retryable, "Network connection lost."), "{operation}: {answer}");
    }
    // Nothing of that was done.
    assert_eq!(call(&worker, "list", json!([])).await?, json!({ "done": ["a:1", "a:2", "a:3"] }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_reply_that_is_none_is_told_without_its_words() -> Test {
    let worker = Worker::start("conformance")?;
    for (operation, asked) in [("get-many", "BULK"), ("list", "LIST")] {
        let answer = call(&worker, operation, fault(asked, "nonsense", 1)).await?;
        let expected = ("failed", false, "the binding returned an unexpected reply");
        assert_eq!(told(&answer), expected, "{operation}: {answer}");
        assert!(!answer.to_string().contains("s3cret"), "{answer}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_cursor_that_has_expired_is_told() -> Test {
    let worker = Worker::start("conformance")?;
    call(&worker, "put-many", json!([])).await?;
    assert_eq!(call(&worker, "second-page", json!([])).await?, json!({ "done": ["a:3"] }));
    let second = json!([{ "asked": "LIST", "reply": 400, "times": 1, "skip": 1 }]);
    assert_eq!(told(&call(&worker, "second-page", second).await?).0, "cursor");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_batch_tells_what_it_has_written() -> Test {
    let worker = Worker::start("conformance")?;
    for (status, source) in [(429, "failed"), (500, "unknown")] {
        let second = json!([{ "asked": "PUT", "key": "a:2", "reply": status, "times": 1 }]);
        let answer = call(&worker, "put-many", second).await?;
        assert_eq!(answer["kind"], json!({ "written": 1, "also": [2], "source": source }), "{answer}");
        assert_eq!(answer["retryable"], json!(source == "failed"), "{answer}");
        assert_eq!(call(&worker, "get-many", json!([])).await?, json!({ "done": ["1", null, "1"] }));
    }
    // Done, and failed all the same: the record tells.
    let done = json!([{ "asked": "PUT", "key": "a:2", "reply": 500, "times": 1, "done": true }]);
    let answer = call(&worker, "put-many", done).await?;
    assert_eq!(answer["kind"], json!({ "written": 1, "also": [2], "source": "unknown" }), "{answer}");
    assert_eq!(call(&worker, "get-many", json!([])).await?, json!({ "done": ["1", "1", "1"] }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_retry_goes_on_and_repeats_nothing_that_may_be_done() -> Test {
    let worker = Worker::start("conformance")?;
    assert_eq!(call(&worker, "put-many", json!([])).await?, json!({ "done": null }));
    let read = [("get", "GET", json!("1")), ("get-many", "BULK", json!(["1", "1", "1"]))];
    let list = [("list", "LIST", json!(["a:1", "a:2", "a:3"]))];
    for (operation, asked, done) in read.into_iter().chain(list) {
        // Three attempts; the pauses between them are the Worker's timer's.
        for status in [429, 503] {
            let answer = call(&worker, &format!("retried/{operation}"), fault(asked, status, 2)).await?;
            assert_eq!(answer, json!({ "done": done }), "{operation}");
            assert_eq!(worker.asked().await?[asked], json!(3), "{operation}");
        }
        let answer = call(&worker, &format!("retried/{operation}"), fault(asked, 503, 3)).await?;
        assert_eq!((told(&answer).0, told(&answer).1), ("failed", true), "{answer}");
        let answer = call(&worker, &format!("retried/{operation}"), fault(asked, 401, 1)).await?;
        assert_eq!((told(&answer).0, worker.asked().await?), ("failed", json!({ asked: 1 })), "{answer}");
    }
    for (operation, asked) in WRITES {
        let answer = call(&worker, &format!("retried/{operation}"), fault(asked, 429, 2)).await?;
        assert_eq!((answer, worker.asked().await?), (json!({ "done": null }), json!({ asked: 3 })));
        let answer = call(&worker, &format!("retried/{operation}"), fault(asked, 500, 1)).await?;
        assert_eq!((told(&answer).0, worker.asked().await?), ("unknown", json!({ asked: 1 })), "{answer}");
    }
    // Of a batch what is missing alone is written again.
    let second = json!([{ "asked": "PUT", "key": "a:2", "reply": 429, "times": 2 }]);
    let answer = call(&worker, "retried/put-many", second).await?;
    assert_eq!((answer, worker.asked().await?), (json!({ "done": null }), json!({ "PUT": 5 })));
    assert_eq!(call(&worker, "get-many", json!([])).await?, json!({ "done": ["1", "1", "1"] }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn an_empty_page_that_is_not_the_last_hides_nothing() -> Test {
    let worker = Worker::start("conformance")?;
    call(&worker, "put-many", json!([])).await?;
    let empty = json!([{ "asked": "LIST", "reply": "empty", "times": 2 }]);
    assert_eq!(call(&worker, "head", empty).await?, json!({ "done": true }));
    assert_eq!(worker.asked().await?, json!({ "LIST": 3 }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_batch_is_read_in_parts_that_are_taken() -> Test {
    let worker = Worker::start("conformance")?;
    assert_eq!(call(&worker, "two-hundred", json!([])).await?, json!({ "done": 200 }));
    assert_eq!(worker.asked().await?, json!({ "BULK": 2 }));
    call(&worker, "put-many", json!([])).await?;
    // A value that is too long for a reply that frames it is read by itself.
    let read = call(&worker, "close-to-the-limit", json!([])).await?;
    assert_eq!(read, json!({ "done": [[(25 << 20) - 8, 1, 1], ["a:1"], ["a:2", "a:3"]] }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_page_of_entities_of_several_groups_is_one_list_and_one_read() -> Test {
    let worker = Worker::start("conformance")?;
    call(&worker, "groups", json!([])).await?;
    let pages = call(&worker, "page-of-groups", json!([])).await?;
    let keys = |ids: std::ops::Range<u32>| ids.map(|id| format!("g:{id}:a")).collect::<Vec<_>>();
    assert_eq!(pages, json!({ "done": [keys(100..110), keys(110..120)] }));
    assert_eq!(worker.asked().await?, json!({ "LIST": 2, "BULK": 2 }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn limits_of_the_plan_are_told_and_not_retried() -> Test {
    let worker = Worker::start("conformance")?;
    for (path, why) in [
        ("binding/quota", "the account has used up its plan's quota for today"),
        ("binding/calls", "this invocation has made as many calls as one may"),
    ] {
        let answer = worker.get(path).await?;
        for call in ["write", "read"] {
            let error = answer[call]["error"].as_str().unwrap_or_default();
            assert!(error.contains(why) && error.contains("`a:1`"), "{answer}");
            assert_eq!(answer[call]["retryable"], json!(false), "{answer}");
        }
    }
    let busy = call(&worker, "put", fault("PUT", 429, EACH_TIME)).await?;
    let error = busy["error"].as_str().unwrap_or_default();
    assert!(error.contains("of one key it takes one write a second"), "{busy}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn copies_marks_and_cursors_are_as_they_should_be() -> Test {
    let worker = Worker::start("conformance")?;
    let asked = worker.get("binding/cache-ttl").await?;
    assert_eq!(asked["unset"], json!("\"arrayBuffer\""));
    assert_eq!(asked["set"], json!("{\"type\":\"arrayBuffer\",\"cacheTtl\":3600}"));
    assert!(asked["short"].as_str().unwrap_or_default().contains("minimum of 30 seconds"), "{asked}");
    assert_eq!(worker.get("binding/mark").await?, json!(["Ada", "Ada"]));
    let cursors = worker.get("binding/cursors").await?;
    assert_eq!(cursors["own"], json!(1));
    assert!(cursors["other"].as_str().unwrap_or_default().contains("from another list"), "{cursors}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_hot_id_is_cached_although_no_request_waits_for_another() -> Test {
    let worker = Worker::start("conformance")?;
    call(&worker, "put-hot", json!([])).await?;
    worker.fail(json!([{ "asked": "GET", "reply": { "slow": 300 }, "times": 1_000 }])).await?;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..40 {
        requests.spawn(worker.request(reqwest::Method::GET, "binding/hot", None).send());
        sleep(Duration::from_millis(100)).await;
    }
    for answer in requests.join_all().await {
        let answer = answer?.error_for_status()?;
        assert_eq!(answer.text().await?, r#"{"name":"Ada"}"#);
    }
    // Those that came before the first had ended.
    let reads = worker.asked().await?["GET"].as_u64().unwrap_or_default();
    assert!((1..=8).contains(&reads), "40 requests made {reads} reads");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn a_refresh_goes_on_behind_the_response_of_its_request() -> Test {
    let worker = Worker::start("conformance")?;
    call(&worker, "put-hot", json!([])).await?;
    let ada = json!({ "name": "Ada" });
    assert_eq!(worker.get("binding/behind").await?, ada);
    call(&worker, "put-hot-anew", json!([])).await?;
    // It is due after 1.2 s of its 60 s.
    sleep(Duration::from_millis(1_500)).await;
    worker.fail(fault("GET", json!({ "slow": 2_500 }), 1)).await?;
    let response = timeout(Duration::from_millis(2_000), worker.get("binding/behind"));
    assert_eq!(response.await.map_err(|_| "the response waited for the refresh")??, ada);
    // Long before the TTL has passed, memory has what the refresh brought.
    let bea = json!({ "name": "Bea" });
    for _ in 0..50 {
        sleep(Duration::from_millis(100)).await;
        if worker.get("binding/behind").await? == bea {
            return Ok(());
        }
    }
    Err("memory holds nothing newer".into())
}
