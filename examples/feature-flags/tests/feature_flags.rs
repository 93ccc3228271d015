//! The example `feature-flags` shows what it promises.

use examples_support::testing::{Result, is_its_header, run, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_feature-flags");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "beta       on for 25%, from store",
            "dark-mode  off, from fallback",
            "beta is on for 250 of 1000 users",
            "new-home   on, from stale",
            "Flag `feature:flags:new-home` in memory: the store failed to",
            "new-home   off, from fallback",
            "there was no answer within 100ms; a retry may help",
        ],
    );
    assert!(shown.ends_with("new-home   on, from store\n  dark-mode  off, from fallback\n"), "{shown}");
    Ok(())
}
