//! The example `api-cache` shows what it promises.

use std::process::{Command, Output};

use examples_support::testing::{Result, is_its_header, run, says_its_usage, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_api-cache");

#[test]
fn shows_what_it_promises() -> Result {
    let Output { status, stdout, stderr } = Command::new(PROGRAM).output()?;
    assert!(status.success());
    let shown = str::from_utf8(&stdout)?;
    is_its_header(shown, include_str!("../src/main.rs"));
    shows(
        shown,
        &[
            "1.081            from origin  1 calls",
            "USD at once                        1.081            from memory  0 calls",
            "USD a minute later                 1.082            from origin  1 calls",
            "USD a minute later                 1.082            from stale   1 calls",
            "USD when the upstream has answered 1.083            from memory  0 calls",
            "USD 64 times                       1.083            from stale   0 calls",
            "GBP which nobody has asked for yet 502 Bad Gateway               1 calls",
            "USD eleven minutes later           502 Bad Gateway               1 calls",
            "USD two seconds later              1.087            from origin  1 calls",
            "XXX once more                      404 Not Found                 0 calls",
        ],
    );
    // One line for each answer of 502, with its cause.
    let complaints = String::from_utf8(stderr)?;
    assert_eq!(complaints.matches("HTTP status server error (500 Internal Server Error)").count(), 2);
    assert_eq!(complaints.lines().count(), 2, "{complaints}");
    Ok(())
}

#[test]
fn refuses_other_arguments() -> Result {
    for wrong in ["--sotre", "--max-age"] {
        says_its_usage(PROGRAM, "[--port PORT] [--max-age SECONDS]", wrong)?;
    }
    let refused = run(PROGRAM, ["--max-age", "1m"]).unwrap_err().to_string();
    shows(&refused, &["\nerror: --max-age 1m: invalid digit found in string"]);
    Ok(())
}
