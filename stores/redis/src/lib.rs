//! Redis, Valkey and their like: one server, a primary behind sentinels, or a cluster.
//!
//! One file a subject: `store` (the store itself), `options` and `url` (how a store is connected), `tls` (whom it trusts),
//! `server` (one server and the connection to it), `cluster` (many), `connection` (either),
//! `key_format` (how a key stands on the server), `wire` (records to arguments, answers to records),
//! `read`, `write` (and how a write is settled whose answer did not come), `commit` (and its
//! script), `entry_sets` (the entries of indexes), `lease` (what tells a cache that nobody wrote), `plain_keys` (records that hash tags hide), `script` (how scripts are sent),
//! `list`, `index` (what lists may go by), `replication` (writes that wait for replicas), `error` (and `cause`).

mod cause;
mod claim;
#[cfg(feature = "cluster")]
mod cluster;
mod commit;
mod connection;
mod entry_sets;
mod entry_shards;
mod error;
mod frequent;
mod index;
mod inner;
mod key_format;
mod lease;
mod list;
mod options;
mod plain_keys;
mod read;
mod replicas;
mod replication;
mod script;
mod server;
mod store;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod url;
mod wire;
mod wire_write;
mod write;

pub use index::IndexSweep;
pub use options::RedisOptions;
pub use store::RedisStore;

/// The store's name.
const NAME: &str = "redis";
