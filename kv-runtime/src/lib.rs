//! Typed, versioned structs in a key-value store.
//!
//! `#[derive(KvEntity)]` on a struct generates its keys, encodes its fields as values, and records
//! the version of their shape. [`Kv`] and [`Collection`] read and write them in a
//! [`Store`](store::Store): memory, a file, Redis or Cloudflare.
//!
//! ```
//! use kv_runtime::{Kv, KvEntity, store::MemoryStore};
//!
//! #[derive(KvEntity, Debug, Clone, PartialEq)]
//! #[kv(prefix = "user", group = "profile")]
//! struct User {
//!     #[kv(id)]
//!     id: u64,
//!     name: String,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let users = Kv::new(MemoryStore::new()).collection::<User>();
//! users.put(&User { id: 123, name: "Ada".to_owned() }).await?; // user:123:profile
//! users.update(123, |user| user.name = "Ada Lovelace".to_owned()).await?;
//! assert_eq!(users.get(123).await?.map(|user| user.name).as_deref(), Some("Ada Lovelace"));
//! # Ok::<(), kv_runtime::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to read next
//!
//! - Start with [getting started](guide::getting_started), which goes from an empty project to
//!   records in a file.
//! - The table at the top of [`Collection`] lists every call.
//! - [`KvEntity`](derive@KvEntity) documents the attributes, and [modelling](guide::modelling) says
//!   how to choose ids and groups.
//! - [Choosing a store](guide::stores) compares the stores, and each has a page for those who run
//!   it.
//! - Before you release, read [migrations and rolling deploys](guide::migrations) and set up the
//!   [schema lock](guide::schema_lock).
//!
//! The calls work on every executor. Only waiting needs a timer: the system's, or the one of the
//! store's [`Clock`].
//!
//! # Features
//!
//! None is on by default, and each adds to the others.
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `redb` | `store::RedbStore`: an embedded, durable store in one file |
//! | `redis`, `redis-cluster`, `redis-tls` | `store::RedisStore`: Redis, Valkey and Sentinel; clusters; TLS |
//! | `cloudflare` | `store::CloudflareStore`: Cloudflare KV over its REST API |
//! | `workers` | `store::WorkersStore`: Cloudflare KV inside a Worker |
//! | `durable-objects` | `store::DurableStore` and `DurableClient`: SQLite in a Durable Object |
//! | `cache` | `Collection::cached`: memory, the store, an origin |
//! | `tower-sessions` | `tower_sessions::KvSessionStore`: sessions of web applications |
//! | `retry` | `layer::RetryStore` |
//! | `msgpack` | `adopt::MessagePack`: records of other programs in MessagePack |
//! | `postcard`, `uuid` | `codec = "postcard"`; `uuid::Uuid` as an id |
//! | `sealed-cursors` | `Kv::with_cursor_key`: cursors over secret ids that can be handed to a client |
//! | `schema-lock` | `App::schema()`, and the test that holds it against a committed file |
//! | `conformance`, `faults` | the tests of every store; `layer::FaultStore` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    target_arch = "wasm32",
    allow(clippy::arc_with_non_send_sync, reason = "the same code has threads everywhere else")
)]
// The docs link to items of features. They are built and checked with all features.
#![cfg_attr(
    not(all(
        feature = "cache",
        feature = "cloudflare",
        feature = "conformance",
        feature = "faults",
        feature = "redb",
        feature = "redis",
        feature = "retry",
        feature = "schema-lock"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

// The derive's output names this crate by its public name, in this crate's own tests and docs too.
extern crate self as kv_runtime;

// First, because rustdoc shows the methods of `Collection` in the order of modules, and `cache` and
// `migrate` add to them.
mod collection;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod adopt;
mod backfill;
#[cfg(feature = "cache")]
pub mod cache;
pub mod codec;
mod connect;
mod const_message;
mod cursor_key;
mod entity;
pub mod guide;
mod heard;
pub mod index;
pub mod json;
mod kv;
pub mod layer;
mod list;
pub mod migrate;
pub mod schema;
mod small;
mod sourced;
pub mod store;
#[cfg(feature = "tower-sessions")]
pub mod tower_sessions;
mod transact;

pub use collection::{Changing, Collection, IdRef, NotChanged};
pub use entity::{EntitySchema, ExpiresAt, GroupSchema, KvEntity, Touch};
pub use kv::{Kv, TransactionOptions, TransactionStats, WriteBackFuture, WriteBackStats};
pub use list::{IdPage, IdStream, List, ListIds, ListStream, Page};
pub use sourced::{Source, Sourced};
pub use transact::{Rerun, Transacts, Tx, TxWithTtl};

#[cfg(feature = "conformance")]
#[doc(inline)]
pub use kv_store::conformance;
#[doc(inline)]
pub use kv_store::key::{KvId, Lookup, Within};
#[doc(inline)]
pub use kv_store::store::Cursor;
#[doc(inline)]
pub use kv_store::{
    BoxError, BoxFuture, ChangeError, Clock, Codec, Error, Location, ManualClock, MaybeSend, MaybeSync,
    NoTimer, Result, SharedError, Sleep, Timer, Timestamp,
};
#[doc(inline)]
pub use kv_store::{key, record};

pub use kv_derive::{KvEntity, KvId};

/// What the fuzz targets reach past the public API.
#[cfg(all(fuzzing, feature = "cloudflare", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::store::cloudflare_answer;
}

/// Compiles the README's example. `tests/repository/readme.rs` runs it.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../../README.md")]
struct Readme;
