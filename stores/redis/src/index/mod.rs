//! The list index: the keys of a prefix in sorted sets, so that a list costs what the prefix has
//! and not what the server holds.
//!
//! [The wire format](https://docs.rs/kv-runtime/latest/kv_runtime/guide/wire_format/index.html) specifies it. What keeps it true:
//!
//! - **A shard is complete only by its marker**, a member that [`rebuild`] alone adds, and only if
//!   the shard was not lost since the rebuild began. A shard that was evicted or flushed has lost
//!   its marker with everything else: it is noticed, and rebuilt.
//! - **Writers add before they write**, so a record that is there is in the index. An entry without
//!   a record is dangling, and shows nothing: a list looks at each record that it shows.
//! - **Writers never take away.** A writer that removed an entry behind its delete could remove the
//!   one that another writer has just added. [`sweep`] does it, in two steps with a grace between
//!   them.

mod entries;
mod layout;
mod list;
mod rebuild;
mod state;
mod sweep;

pub(super) use entries::{Entries, of_index};
pub(super) use state::Index;
pub use sweep::IndexSweep;
