//! Cloudflare KV.
//!
//! `record` (how a record is spelt there, so that JavaScript reads and writes the same ones) and `limits` serve both stores: the one over the
//! REST API and the one inside a Worker.

#[allow(dead_code, reason = "the stores come next")]
mod limits;
#[allow(dead_code, reason = "the stores come next")]
mod record;
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
mod workers;

#[cfg(all(feature = "workers", target_arch = "wasm32"))]
pub use workers::WorkersStore;
