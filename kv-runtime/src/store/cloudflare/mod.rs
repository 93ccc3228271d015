//! Cloudflare KV: over its REST API (feature `cloudflare`), and inside a Worker (feature `workers`).
//!
//! `record` (how a record is spelt there, so that JavaScript reads and writes the same ones) and `limits` serve both stores; `rest` is the
//! first of them.

mod limits;
mod record;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
mod rest;

#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
pub use rest::{CloudflareOptions, CloudflareStore};
