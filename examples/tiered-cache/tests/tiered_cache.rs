//! The example `tiered-cache` shows what it promises.

use examples_support::testing::{Result, is_its_header, run, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tiered-cache");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "one first                   206 cents   from origin",
            "two at once                 206 cents   from store",
            "one after 60 s              206 cents   from store",
            "one after 300 s             206 cents   from origin",
            "one once more               nothing     from memory",
            "one on the node that wrote  100 cents   from memory",
            "two on the other, at once   206 cents   from memory",
            "two after 60 s              100 cents   from store",
            "120000 requests, 196 calls of the origin",
            "Node two:\nfrom memory ",
            "asked of the origin                           93",
            "entities in memory                            50",
        ],
    );
    Ok(())
}
