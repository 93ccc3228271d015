//! The example `own-store` shows what it promises.

use examples_support::testing::{Result, is_its_header, run, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_own-store");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    // It fails if a test of the suite fails.
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(&shown, &["passed   a_plain_value_is_version_1", "passed   a_damaged_record_is_an_error"]);
    let lines = include_str!("../src/main.rs").lines().filter(|line| !line.starts_with("//!")).count();
    assert!(lines < 140, "a store of one's own takes {lines} lines");
    Ok(())
}
