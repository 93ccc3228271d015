//! A typed schema for key-value stores.
//!
//! `#[derive(KvEntity)]` on a struct generates its keys, the coalesced value of each group of fields and the version in
//! each record's metadata; [`Kv`] and [`Collection`] execute them against a [`Store`](store::Store).
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
//! | `durable-objects` | `store::DurableStore`: SQLite in a Cloudflare Durable Object; `store::DurableClient` |
//! | `cache` | `Collection::cached`: memory, the store, an origin |
//! | `tower-sessions` | `tower_sessions::KvSessionStore`: sessions of web applications |
//! | `retry` | `layer::RetryStore` |
//! | `postcard`, `uuid` | `codec = "postcard"`; `uuid::Uuid` as an id |
//! | `sealed-cursors` | `Kv::with_cursor_key`: cursors over secret ids that can be handed to a client |
//! | `schema-lock` | `App::schema()`, and the test that holds it against a committed file |
//! | `conformance`, `faults` | the tests of every store; `layer::FaultStore` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    target_arch = "wasm32",
    allow(clippy::arc_with_non_send_sync, reason = "the same code has threads everywhere else")
)]
// What a feature brings is named in the docs of others; they are built and checked with all features.
#![cfg_attr(
    not(all(
        feature = "redb",
        feature = "redis",
        feature = "cloudflare",
        feature = "retry",
        feature = "schema-lock"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

// The derive's output names this crate by its public name, in this crate's own tests and docs too.
extern crate self as kv_runtime;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "cache")]
pub mod cache;
mod clock;
pub mod codec;
mod collection;
#[cfg(feature = "conformance")]
pub mod conformance;
mod const_message;
mod coop;
mod entity;
mod error;
pub mod key;
mod kv;
pub mod layer;
mod list;
mod maybe_send;
pub mod migrate;
#[cfg(any(feature = "redis", all(feature = "cloudflare", not(target_arch = "wasm32"))))]
mod network;
mod random;
pub mod record;
pub mod schema;
mod served;
mod small;
pub mod store;
mod timer;
#[cfg(feature = "tower-sessions")]
pub mod tower_sessions;
#[cfg(any(feature = "cache", feature = "conformance"))]
mod unpanicked;

pub use clock::{Clock, ManualClock, Timestamp};
pub use codec::Codec;
pub use collection::{Collection, IdRef};
pub use entity::{EntitySchema, ExpiresAt, GroupSchema, KvEntity, Touch};
pub use error::{BoxError, ChangeError, Error, Location, Result, SharedError};
pub use key::{KvId, Lookup, Within};
pub use kv::{Kv, WriteBackFuture, WriteBackStats};
pub use list::{IdPage, IdStream, List, ListIds, ListStream, Page};
pub use maybe_send::{BoxFuture, MaybeSend, MaybeSync};
pub use served::{Served, Whence};
pub use store::Cursor;
pub use timer::{NoTimer, Sleep, Timer};

pub use kv_derive::{KvEntity, KvId};

/// What the fuzz targets reach past the public API.
#[cfg(all(fuzzing, feature = "cloudflare", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::store::cloudflare_answer;
}

/// Compiles the README's example. `tests/readme.rs` runs it.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles and runs the code of the page on calls.
#[cfg(doctest)]
#[doc = include_str!("../../docs/calls.md")]
struct CallsGuide;

/// Compiles and runs the code of the page on modelling.
#[cfg(doctest)]
#[doc = include_str!("../../docs/modelling.md")]
struct ModellingGuide;

/// Compiles and runs the code of the page on stores.
#[cfg(doctest)]
#[doc = include_str!("../../docs/stores.md")]
struct StoresGuide;

/// Compiles and runs the code of the guide to caching.
#[cfg(all(doctest, feature = "cache", feature = "faults", feature = "tower-sessions"))]
#[doc = include_str!("../../docs/caching.md")]
struct CachingGuide;

/// Compiles the code of the guide to Cloudflare KV.
#[cfg(all(doctest, feature = "cloudflare"))]
#[doc = include_str!("../../docs/cloudflare.md")]
struct CloudflareGuide;

/// Compiles and runs the code of the guide to the stores in this process.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../../docs/embedded.md")]
struct EmbeddedGuide;

/// Compiles and runs the code of the guide to migrations.
#[cfg(all(doctest, feature = "postcard"))]
#[doc = include_str!("../../docs/migrations.md")]
struct MigrationsGuide;
