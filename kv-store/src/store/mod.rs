//! Stores: engines that keep records under keys. They see keys and bytes, never entities.
//!
//! An engine implements [`Store`], whose six methods take keys and records. [`AtomicStore`] promises
//! compare-and-swap, which `insert`, `update` and atomic writes of several groups need. [`IndexStore`]
//! also keeps the entries of indexes.
//! [`StoreInfo`] describes as data what a store is and can do. [`StoreExt`] has shorter calls for
//! those who use a store directly. The conformance suite (feature `conformance`) tests every MUST
//! of these docs.

mod batch;
mod capabilities;
mod claim;
mod condition;
mod contract;
mod cursor;
mod ext;
mod fair_queue;
mod fence;
mod get;
mod index;
mod info;
mod lease;
mod memory;
mod page;
mod page_copy;
mod query;
mod settle;
mod write_hub;

pub use batch::{Batch, Batches, Write};
pub use capabilities::{Capabilities, CommitScope, Limits, Sharing};
pub use claim::{ClaimQuery, Claimed};
pub use condition::{Commit, Condition, Expect};
pub use contract::{AtomicStore, Store};
pub use cursor::Cursor;
pub use ext::StoreExt;
pub use fair_queue::FairQueue;
#[doc(hidden)]
pub use fair_queue::{Place, Turn};
#[doc(hidden)]
pub use fence::Fences;
pub use get::GetOptions;
#[doc(hidden)]
pub use index::is_empty_range;
pub use index::{EntryPage, EntryQuery, EntryShards, IndexStore};
pub use info::StoreInfo;
pub use lease::{LONGEST_LEASE, Lease};
pub use memory::MemoryStore;
pub use page::{Entry, EntryRef, ListPage};
#[doc(hidden)]
pub use page_copy::PageCopy;
pub use query::{Content, ListQuery};
pub use settle::{Mark, SETTLES_AFTER, Settle};
pub use write_hub::WriteHub;
#[doc(hidden)]
pub use write_hub::{HeardWrite, HeardWrites, Listener, Listening, Origin, WriteKind, WriteOutcome};
