//! Rust inside Cloudflare's own runtime: the conformance suite over a KV binding, and the example
//! that serves profiles, over HTTP.
//!
//! scripts/test builds both Workers and installs the runtime, and runs these tests.

mod conformance;
mod durable;
mod faults;
mod isolates;
mod profiles;
mod runtime;
mod speed;

use super::Test;
