//! The guide, in the order in which a user needs it.
//!
#![doc = include_str!("../docs/links.md")]
#![doc = include_str!("../docs/README.md")]

// The pages are those of the book in `docs/`, which `scripts/build-guide` builds. Their links are
// references (`[Caching][caching]`), defined at the end of each page as links between files. Here
// `links.md` comes first and defines the same references as paths of Rust: in Markdown the first
// definition of a reference wins.
//
// The code of a page is compiled and run as doctests, with the features that it needs.

/// From an empty project to a stored record.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/getting-started.md")]
pub mod getting_started {}

/// Ids, keys, groups, versions and codecs.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/modelling.md")]
pub mod modelling {}

/// A sequence, a ledger, deleting a tenant, hashing secrets.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/patterns.md")]
pub mod patterns {}

/// Every call, what it promises, and its errors.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/calls.md")]
pub mod calls {}

/// Finding entities by other fields than the id.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/indexes.md")]
pub mod indexes {}

/// Several entities that are read and written as one.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/transactions.md")]
pub mod transactions {}

/// TTLs and moments: what sets them, what moves them, and when space is freed.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/expiry.md")]
pub mod expiry {}

/// Users who log in, with tower-sessions and without.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "tower-sessions"), doc = include_str!("../docs/sessions.md"))]
pub mod sessions {}

/// Memory in front of the store, with an origin behind it.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), all(feature = "cache", feature = "faults")), doc = include_str!("../docs/caching.md"))]
pub mod caching {}

/// Changing a shape while old code runs, and rolling deploys.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "postcard"), doc = include_str!("../docs/migrations.md"))]
pub mod migrations {}

/// Records that another program wrote, and goes on reading: plain records, and versions in values.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/adopting.md")]
pub mod adopting {}

/// The test that fails if a stored shape changed and its version did not.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/schema-lock.md")]
pub mod schema_lock {}

/// What each store can do, and how to choose one.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/stores.md")]
pub mod stores {}

/// `MemoryStore`: records in this process.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/memory.md")]
pub mod memory {}

/// `RedbStore`: one file, and how to run it.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "redb"), doc = include_str!("../docs/embedded.md"))]
pub mod embedded {}

/// `RedisStore`: Redis, Valkey, Sentinel and clusters.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/redis.md")]
pub mod redis {}

/// Cloudflare KV and Durable Objects.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "cloudflare"), doc = include_str!("../docs/cloudflare.md"))]
pub mod cloudflare {}

/// How to implement and test a store.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "conformance"), doc = include_str!("../docs/own-store.md"))]
pub mod own_store {}

/// Looking into data, copies, backup and restore.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/data.md")]
pub mod data {}

/// The memory store, a clock that tests move, and a store that fails on demand.
///
#[doc = include_str!("../docs/links.md")]
#[cfg_attr(any(not(doctest), feature = "faults"), doc = include_str!("../docs/testing.md"))]
pub mod testing {}

/// Spans, events, counters and latencies.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/observability.md")]
pub mod observability {}

/// Limits and guarantees, each with the test that shows it.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}

/// Keys and records, byte by byte.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/wire-format.md")]
pub mod wire_format {}

/// The benchmarks, and how they are measured.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/speed.md")]
pub mod speed {}

/// What other libraries do better, and what they lack.
///
#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/alternatives.md")]
pub mod alternatives {}
