//! The example `composite-ids` shows what it promises.

#[path = "../../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use examples_support::testing::{Result, is_its_header, run, runs_on_any_store, shows};
use redis_server::RedisServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_composite-ids");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "event:eu-west:1:09223372036854775803",
            "in eu-west, org 1    [\"at -5\", \"at 30\", \"at 1000\"]",
            "user-archive:ada  user:100%25  user:a%3Ab  user:ada  user:Åsa",
            "Session `session:#",
            "user-archive:{name}",
        ],
    );
    assert!(!shown.contains("do-not-log-me"), "{shown}");
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
    run(PROGRAM, ["--store", &server.url(0)])?;
    Ok(())
}
