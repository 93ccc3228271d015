//! Cloudflare: KV over its REST API (feature `cloudflare`) and inside a Worker (feature `workers`);
//! Durable Objects (feature `durable-objects`).
//!
//! `record` (how a record is spelt in KV, so that JavaScript reads and writes the same ones) and
//! `limits` serve both stores of KV; `rest` and `workers` are these. `durable` is the store in an
//! object, and its client.

#[cfg(any(all(any(feature = "durable-objects", feature = "workers"), target_arch = "wasm32"), test))]
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "only its tests are built here"))]
mod at_once;
#[cfg(any(feature = "rest", all(feature = "workers", target_arch = "wasm32")))]
mod base64;
#[cfg(any(feature = "rest", all(feature = "workers", target_arch = "wasm32")))]
mod changes;
#[cfg(all(feature = "durable-objects", any(target_arch = "wasm32", test)))]
mod durable;
#[cfg(any(feature = "rest", all(feature = "workers", target_arch = "wasm32")))]
mod limits;
#[cfg(any(feature = "rest", all(feature = "workers", target_arch = "wasm32")))]
mod record;
#[cfg(all(feature = "rest", not(target_arch = "wasm32")))]
mod rest;
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
mod workers;

#[cfg(all(feature = "durable-objects", target_arch = "wasm32"))]
pub use durable::{DurableClient, DurableOptions, DurableStore, Shards};
#[cfg(all(fuzzing, feature = "rest", not(target_arch = "wasm32")))]
pub use rest::cloudflare_answer;
#[cfg(all(feature = "rest", not(target_arch = "wasm32")))]
pub use rest::{CloudflareOptions, CloudflareStore};
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
pub use workers::WorkersStore;
