//! The KV binding of a Worker.
//!
//! `binding` (each call of the binding), `failure` (what its failures mean), `batch` (many writes,
//! a few at a time), `list` (pages and heads).

mod batch;
mod binding;
mod failure;
mod list;
mod store;

pub use store::WorkersStore;

const NAME: &str = "workers-kv";

/// The most keys of one read of the binding.
const BATCH_READ: usize = 100;

/// The binding writes one key a call, and an invocation has a limited number of calls.
const BATCH_WRITE: usize = 100;

/// The most keys of one list of the binding.
const PAGE: usize = 1_000;
