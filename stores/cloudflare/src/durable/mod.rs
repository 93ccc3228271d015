//! Durable Objects, as a store (feature `durable-objects`).
//!
//! `message` (a call, and its answer), `ask` and `answer` (from the traits to these and back),
//! `wire` (both as bytes), `table` (SQLite in the object), `store` (inside the object), `alarm`
//! and `sweep` (what removes expired rows), `serve` (the object's side of a client), `client` and `shards`
//! (the Worker's side). On other targets the tests alone build what needs no Worker.

#[cfg(target_arch = "wasm32")]
mod alarm;
#[cfg(target_arch = "wasm32")]
mod answer;
#[cfg(target_arch = "wasm32")]
mod ask;
#[cfg(target_arch = "wasm32")]
mod client;
mod message;
#[cfg(target_arch = "wasm32")]
mod options;
#[cfg(target_arch = "wasm32")]
mod serve;
#[cfg_attr(not(target_arch = "wasm32"), expect(unreachable_pub, reason = "only its tests are built here"))]
mod shards;
#[cfg(target_arch = "wasm32")]
mod store;
mod sweep;
#[cfg(target_arch = "wasm32")]
mod table;
mod wire;

#[cfg(target_arch = "wasm32")]
pub use client::DurableClient;
#[cfg(target_arch = "wasm32")]
pub use options::DurableOptions;
#[cfg(target_arch = "wasm32")]
pub use shards::Shards;
#[cfg(target_arch = "wasm32")]
pub use store::DurableStore;

#[cfg(target_arch = "wasm32")]
use kv_store::store::{Capabilities, Limits, Sharing};

/// The store's name in errors, on both sides.
#[cfg(target_arch = "wasm32")]
const NAME: &str = "durable-object";

/// What both sides can do. A row has 2 MB at the most: key, envelope and value. A batched read is
/// one answer, and an isolate has 128 MB.
#[cfg(target_arch = "wasm32")]
const CAPABILITIES: Capabilities = Capabilities::new(Sharing::Shared)
    .compare_and_swap()
    .ordered()
    .cheap_metadata()
    .plain_records()
    .plain_expiry()
    .limits(Limits::new().key(2_048).value(1_900_000).batches(100, 1_000).batch_write_bytes(4 << 20));
