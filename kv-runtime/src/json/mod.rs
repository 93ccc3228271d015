//! How other programs write numbers and moments in JSON: modules for `#[serde(with = "...")]`.
//!
//! JavaScript rounds whole numbers beyond 2⁵³ − 1. [`as_text`] and [`number_or_text`] are for members
//! that hold such numbers, and [`iso_timestamp`] is for dates as `JSON.stringify` writes them.
//!
//! ```
//! use kv_runtime::store::{MemoryStore, StoreExt};
//! use kv_runtime::{Kv, KvEntity, Timestamp};
//!
//! #[derive(KvEntity)]
//! #[kv(prefix = "order", plain)]
//! struct Order {
//!     #[kv(id)]
//!     id: u64,
//!     #[serde(with = "kv_runtime::json::as_text")]
//!     wei: u128,
//!     #[kv(expires_at)]
//!     #[serde(with = "kv_runtime::json::iso_timestamp")]
//!     until: Timestamp,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let orders = Kv::new(MemoryStore::new()).collection::<Order>();
//! let until = Timestamp::from_millis(4_102_444_800_000);
//! orders.put(&Order { id: 7, wei: 1 << 100, until }).await?;
//! let stored = orders.store().read(&orders.key(7)).await?.ok_or("is there")?;
//! assert_eq!(
//!     &stored.value[..],
//!     br#"{"wei":"1267650600228229401496703205376","until":"2100-01-01T00:00:00.000Z"}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each module takes an `Option` as well, whose `None` is `null`. A member that may be missing also
//! needs `#[serde(default)]`. In a binary codec, values are what they are without the attribute.

pub mod as_text;
mod iso;
pub mod iso_timestamp;
mod number;
pub mod number_or_text;

pub use iso::Moment;
pub use number::Number;
