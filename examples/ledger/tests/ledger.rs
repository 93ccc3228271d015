//! The example `ledger` shows what it promises, also after it was killed.

#[path = "../../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use examples_support::testing::{Result, prints_its_header, run, runs_on_any_store, shows};
use redis_server::RedisServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ledger");

#[test]
fn prints_what_its_header_shows() -> Result {
    prints_its_header(PROGRAM, include_str!("../src/main.rs"))
}

#[test]
fn runs_on_any_store_in_this_process() -> Result {
    runs_on_any_store(PROGRAM, tempfile::tempdir()?.path())
}

#[test]
fn a_killed_ledger_is_right_when_it_is_started_again() -> Result {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ledger.redb");
    for round in 0..8 {
        let mut child =
            Command::new(PROGRAM).arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(Duration::from_millis(40 * round));
        child.kill()?;
        child.wait()?;
    }
    // It checks the sum and the entries itself, and fails if they are wrong.
    let printed = run(PROGRAM, [&path])?;
    shows(&printed, &["8 accounts, from an earlier run", "every balance agrees with its entries"]);
    Ok(())
}

#[test]
#[ignore = "needs redis-server and the feature redis; scripts/test runs it"]
fn runs_on_a_server() -> Result {
    let server = RedisServer::start();
    run(PROGRAM, ["--store", &server.url(0)])?;
    shows(&run(PROGRAM, ["--store", &server.url(0)])?, &["8 accounts, from an earlier run"]);
    Ok(())
}
