//! The example `web-service` prints what its header shows, and refuses other arguments.

use examples_support::testing::{Result, prints_its_header, says_its_usage};

const PROGRAM: &str = env!("CARGO_BIN_EXE_web-service");

#[test]
fn prints_its_header_text() -> Result {
    prints_its_header(PROGRAM, include_str!("../src/main.rs"))
}

#[test]
fn refuses_other_arguments() -> Result {
    says_its_usage(PROGRAM, "[--port PORT [--store URL]]", "--sotre")
}
