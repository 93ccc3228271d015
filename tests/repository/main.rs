//! The repository itself: its layers, README, examples and Rust versions.

mod architecture;
mod examples;
mod readme;
mod rust_version;
