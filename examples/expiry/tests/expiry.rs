//! The example `expiry` shows what it promises.

#[path = "../../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use examples_support::testing::{Result, is_its_header, run, runs_on_any_store, shows};
use redis_server::RedisServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_expiry");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "a millisecond later                       gone",
            "touched after 59 minutes, read after 118  there",
            "120 requests in two hours, 24 writes",
            "after 48 hours: [\"FRIEND\"]",
            "2 removed, more: false",
        ],
    );
    Ok(())
}

#[test]
fn runs_on_any_store_in_this_process() -> Result {
    runs_on_any_store(PROGRAM, tempfile::tempdir()?.path())
}

#[test]
#[ignore = "needs redis-server and the feature redis; scripts/test runs it"]
fn runs_on_a_server() -> Result {
    let server = RedisServer::start();
    let refused = run(PROGRAM, ["--store", &server.url(0)]).unwrap_or_else(|error| error.to_string());
    shows(&refused, &["a server's clock cannot be moved"]);
    Ok(())
}
