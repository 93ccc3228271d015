//! Stores: engines that keep records under keys. They see keys and bytes, never entities.
//!
//! An engine implements [`Store`]. [`AtomicStore`] adds compare-and-swap, which `insert`, `update`
//! and atomic writes of several groups need, and [`IndexStore`] the entries of indexes. [`Capabilities`] describes as data what a store can do
//! and its limits. The conformance suite (feature `conformance`) tests every MUST of these docs.

#[doc(inline)]
pub use kv_store::store::*;

#[doc(hidden)]
pub use crate::connect::Schemes;
#[doc(inline)]
pub use crate::connect::{AnyStore, Connector, ForeignStore, NoSchemes, WithScheme};
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
#[doc(inline)]
pub use kv_runtime_cloudflare::WorkersStore;
#[cfg(all(fuzzing, feature = "cloudflare", not(target_arch = "wasm32")))]
pub use kv_runtime_cloudflare::cloudflare_answer;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
#[doc(inline)]
pub use kv_runtime_cloudflare::{CloudflareOptions, CloudflareStore};
#[cfg(all(feature = "durable-objects", target_arch = "wasm32"))]
#[doc(inline)]
pub use kv_runtime_cloudflare::{DurableClient, DurableOptions, DurableStore, Shards};
#[cfg(feature = "redb")]
#[doc(inline)]
pub use kv_runtime_redb::{
    BackupProgress, BackupReport, CompactReport, PrefixSpace, RedbBackup, RedbDurability, RedbOptions,
    RedbSpace, RedbStats, RedbStore, SweepReport,
};
#[cfg(feature = "redis")]
#[doc(inline)]
pub use kv_runtime_redis::{IndexSweep, RedisOptions, RedisStore};
