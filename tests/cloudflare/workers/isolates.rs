//! Two isolates begin alike: what must differ all the same.

use std::collections::HashSet;

use super::Test;
use super::runtime::Worker;

/// std's and fastrand's own seeds are the same in every isolate, and a Worker has no random numbers before its first request.
#[tokio::test]
#[ignore = "needs Node and a Worker built for wasm32; scripts/test runs it"]
async fn revisions_and_the_stand_ins_of_secrets_differ() -> Test {
    let workers = [Worker::start("conformance")?, Worker::start("conformance")?];
    let (mut tokens, mut errors) = (HashSet::new(), HashSet::new());
    for worker in &workers {
        for _ in 0..2 {
            let drawn = worker.get("draw").await?;
            let drawn_tokens = drawn["tokens"].as_array().ok_or("there are no tokens")?;
            tokens.extend(drawn_tokens.iter().map(ToString::to_string));
            let error = drawn["error"].as_str().ok_or("there is no error")?;
            assert!(error.contains("`session:#") && !error.contains("known to all"), "{error}");
            errors.insert(error.to_owned());
        }
    }
    assert_eq!(tokens.len(), 8, "{tokens:?}");
    // Within an isolate the stand-in is the same.
    assert_eq!(errors.len(), 2, "{errors:?}");
    Ok(())
}
