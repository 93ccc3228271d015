//! The durable store: one [redb](https://docs.rs/redb) file, which this process alone has open.
//!
//! One file a subject: `store` (the store itself), `options` (how it is opened), `durability` (when a write is on the
//! disk), `layout` (the tables), `file` (what a file must be to be ours),
//! `read` (what runs on the caller's thread), `list`, `aside` (what runs on a separate thread:
//! `backup`, and the measuring of `space`), `queue` (room for work), `writer` (the queue and its
//! thread, which turn concurrent writes into one commit), `work` (what is queued), `tables` (one
//! piece of work on a transaction).
//!
//! # The file
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `records` | `&str`, the key | `&[u8]`: the [envelope](kv_store::record::envelope) and the value behind it |
//! | `expiry` | `(u64, &str)`: milliseconds since the Unix epoch, the key | `()` |
//! | `kv_runtime` | `&str` | `u64`: under `format` the number of this layout, 1 |
//!
//! A value without envelope is version 1 in JSON, so records may be put into the file by other
//! programs. `expiry` has an entry for each record that expires, written in the record's own
//! transaction, and none else; it serves [`RedbStore::sweep`] alone. What a record's envelope says
//! decides whether it has expired. An entry of an index is a key of `records` with an empty value,
//! which no record has.

mod aside;
mod backup;
mod compact;
mod counters;
mod damage;
mod durability;
mod entries;
mod file;
mod fill;
mod layout;
mod list;
mod options;
mod queue;
mod read;
mod space;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod unfinished;
mod work;
mod writer;

pub use backup::{BackupProgress, BackupReport, RedbBackup};
pub use compact::CompactReport;
pub use counters::RedbStats;
pub use durability::RedbDurability;
pub use options::RedbOptions;
pub use space::{PrefixSpace, RedbSpace};
pub use store::RedbStore;
pub use work::SweepReport;

/// The store's name.
const NAME: &str = "redb";
