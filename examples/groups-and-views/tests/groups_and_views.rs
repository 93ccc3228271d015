//! The example `groups-and-views` shows what it promises.

#[path = "../../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use examples_support::testing::{Result, is_its_header, run, runs_on_any_store, shows};
use redis_server::RedisServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_groups-and-views");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "user:7:settings",
            "profile, history, settings written: [false, true, false]",
            "theme Light, 50 items",
            "User `user:7:profile` in memory: the required group `history` is missing beside its anchor",
            "The anchor decides",
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
    run(PROGRAM, ["--store", &server.url(0)])?;
    Ok(())
}
