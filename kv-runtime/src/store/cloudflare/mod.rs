//! Cloudflare KV: over its REST API (feature `cloudflare`), and inside a Worker (feature `workers`).
//!
//! `record` (how a record is spelt there, so that JavaScript reads and writes the same ones) and `limits` serve both stores; `rest` and
//! `workers` are these.

mod limits;
mod record;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
mod rest;
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
mod workers;

#[cfg(all(fuzzing, feature = "cloudflare", not(target_arch = "wasm32")))]
pub use rest::cloudflare_answer;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
pub use rest::{CloudflareOptions, CloudflareStore};
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
pub use workers::WorkersStore;
