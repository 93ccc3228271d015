//! The example `migrations` shows what it promises.

#[path = "../../../../tests/support/redis_server.rs"]
#[allow(dead_code, reason = "shared by tests that need other parts of it")]
mod redis_server;

use examples_support::testing::{Result, is_its_header, run, runs_on_any_store, shows};
use redis_server::RedisServer;

const PROGRAM: &str = env!("CARGO_BIN_EXE_migrations");

#[test]
fn brings_every_record_up_and_finds_it_so_again() -> Result {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("countries.redb");

    let first = run(PROGRAM, [&path])?;
    is_its_header(&first, include_str!("../../src/main.rs"));
    shows(
        &first,
        &[
            "251 countries of release 1.4.0",
            "250 records: SHN is the code of two countries, and the later one is kept",
            "before, version 1:",
            r#""callingCode":["41"],"capital":"Bern""#,
            "🇨🇭 Switzerland: German, French, Italian, Romansh",
            "🇦🇹 Austria: Vienna, +43",
            "after, version 5:",
            r#""capital":["Bern"]"#,
            r#""idd":{"root":"+4","suffixes":["1"]}"#,
            "written: 6, lost: 0",
            "1        244",
            "5          6  current",
            "migrated            244",
            "failed                0",
            "5        250  current",
            "0 records are older than the current version",
        ],
    );
    assert_eq!(first.matches("migrated            244").count(), 2, "the dry run and the run: {first}");

    let second = run(PROGRAM, [&path])?;
    shows(
        &second,
        &[
            "is there from an earlier run",
            "before, version 5:",
            "written: 0, lost: 0",
            "current             250",
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
    // A server may have other readers, so only what they can read is written back.
    let printed = run(PROGRAM, ["--store", &server.url(0)])?;
    shows(&printed, &["5        250  current", "0 records are older"]);
    Ok(())
}
