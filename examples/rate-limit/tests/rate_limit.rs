//! The example `rate-limit` prints what its header shows.

use examples_support::testing::{Result, prints_its_header};

#[test]
fn prints_its_header_text() -> Result {
    prints_its_header(env!("CARGO_BIN_EXE_rate-limit"), include_str!("../src/main.rs"))
}
