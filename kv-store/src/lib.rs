//! The contract between kv-runtime and its stores.
//!
//! A store implements [`Store`](store::Store): keys, records and errors in, nothing of entities. If
//! it has compare-and-swap, it implements [`AtomicStore`](store::AtomicStore), too. The crate of a
//! store depends on this crate alone, and tests the store with the `conformance` suite (feature
//! `conformance`). Applications depend on [`kv-runtime`](https://docs.rs/kv-runtime), which
//! re-exports this crate.
//!
//! [`MemoryStore`](store::MemoryStore) is the smallest store, and the one that tests use.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    target_arch = "wasm32",
    allow(clippy::arc_with_non_send_sync, reason = "the same code has threads everywhere else")
)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod catch_unwind;
mod clock;
pub mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod coop;
mod error;
pub mod index;
mod json;
pub mod key;
mod manual_clock;
mod maybe_send;
#[cfg(feature = "__network")]
mod network;
mod random;
pub mod record;
pub mod store;
#[cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), path = "system_time/web.rs")]
mod system_time;
mod timer;
mod timestamp;
#[cfg(all(feature = "__tls", not(target_arch = "wasm32")))]
mod tls;

pub use clock::Clock;
pub use codec::Codec;
pub use error::{BoxError, ChangeError, Error, Location, Result, SharedError};
pub use manual_clock::ManualClock;
pub use maybe_send::{BoxFuture, MaybeSend, MaybeSync};
pub use timer::{NoTimer, Sleep, Timer};
pub use timestamp::Timestamp;
