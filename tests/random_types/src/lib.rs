//! Random types with serde's attributes, and the check that no value of them comes back changed.

#![allow(dead_code, missing_docs, clippy::all, clippy::expect_used, clippy::panic, clippy::print_stdout)]

pub mod harness;
mod prelude;

include!(concat!(env!("OUT_DIR"), "/types.rs"));
