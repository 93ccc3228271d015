//! Stores: engines that keep records under keys. They see keys and bytes, never entities.
//!
//! [`Store`] is what an implementor writes; [`AtomicStore`] adds compare-and-swap, on which `insert`, `update` and groups
//! written together are built. What a store can do and how much it takes is data: [`Capabilities`]. The conformance
//! suite (feature `conformance`) tests every MUST of these docs.

mod any;
mod capabilities;
#[cfg(any(feature = "cloudflare", feature = "workers", feature = "durable-objects"))]
mod cloudflare;
mod cursor;
mod fair_queue;
mod fence;
mod list;
mod mark;
mod memory;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis-tls", all(feature = "cloudflare", not(target_arch = "wasm32"))))]
mod tls;

use std::future::Future;

use crate::clock::Clock;
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::record::{Expiry, Head, NewRecord, Record, RecordRef, Revision};

#[cfg(all(fuzzing, feature = "cloudflare", not(target_arch = "wasm32")))]
pub use self::cloudflare::cloudflare_answer;
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
pub use self::cloudflare::{CloudflareOptions, CloudflareStore};
#[cfg(feature = "redb")]
pub use self::redb::{
    BackupProgress, BackupReport, CompactReport, PrefixSpace, RedbBackup, RedbDurability, RedbOptions,
    RedbSpace, RedbStats, RedbStore, SweepReport,
};
#[cfg(feature = "redis")]
pub use self::redis::{IndexSweep, RedisOptions, RedisStore};
pub use any::AnyStore;
pub use capabilities::{Capabilities, Limits, Sharing};
#[cfg(all(feature = "workers", target_arch = "wasm32"))]
pub use cloudflare::WorkersStore;
#[cfg(all(feature = "durable-objects", target_arch = "wasm32"))]
pub use cloudflare::{DurableClient, DurableOptions, DurableStore, Shards};
pub use cursor::Cursor;
pub use fair_queue::FairQueue;
pub(crate) use fair_queue::Turn;
#[doc(hidden)]
pub use fence::Fence;
pub(crate) use fence::Fences;
pub(crate) use list::Entries;
pub use list::{Content, Entry, ListPage, ListQuery};
pub use mark::{Mark, SETTLES_AFTER};
pub use memory::MemoryStore;

/// An engine that keeps records under keys.
///
/// The words MUST and SHOULD are meant as in RFC 2119, and the conformance suite tests each MUST.
///
/// - An **expired record** (its moment is not after the present one of [`Store::clock`], or of the server where that expires by
///   itself) MUST be invisible to every method, at once, and count as absent in a condition.
/// - A record MUST come back as it was written: value, metadata with its foreign members, expiry. It MAY lose `expires_at` where
///   only the server knows it and the method says nothing of it.
/// - A write MUST be seen by every later read through the same store, unless [`Capabilities::sharing`] is
///   [`Eventual`](Sharing::Eventual).
/// - A future that is dropped MUST leave each record whole: as it was, or as it was to become.
/// - A method MUST NOT panic, whatever lies in the engine; it gives [`Error::Malformed`] with the key, and leaves the record as it is.
/// - Limits are checked by the caller; a store need not check them again.
/// - An error SHOULD be located by the [`Key`] that the caller gave ([`Location::of`]), which knows what in it is secret. A key made
///   anew from its text ([`Key::from_text`]) does not.
///
/// A collection is the way to use a store; applications seldom call these methods.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "expected a store, such as `MemoryStore` or `RedbStore`"
)]
pub trait Store: MaybeSend + MaybeSync + 'static {
    /// The store's name in errors and spans, such as `redb`.
    fn name(&self) -> &'static str;

    /// The clock that expiry goes by. Collections take the time of a record's metadata from it, too.
    fn clock(&self) -> &Clock;

    /// What it can do and how much it takes. MUST always give the same.
    fn capabilities(&self) -> Capabilities;

    /// Adds to the place of an error what this store alone knows of it, such as a namespace; nothing, unless it is written. It is for errors
    /// that are not the store's own. A wrapper MUST pass it on.
    fn locate(&self, at: &mut Location) {
        let _ = at;
    }

    /// Returns a mark that [settles](Self::has_settled) once no earlier call can change a record
    /// any more. Earlier calls include those whose futures were dropped, and those that failed with
    /// [`Error::OutcomeUnknown`]. A cache holds nothing that it read before.
    ///
    /// By default a mark settles [`SETTLES_AFTER`] later by the store's
    /// [monotonic clock](Clock::monotonic). A store that knows better SHOULD implement both methods.
    /// They MUST NOT block. A wrapper MUST forward both.
    fn mark(&self) -> Mark {
        Mark::by(self.clock())
    }

    /// Whether a mark of this store has settled. A settled mark MUST stay settled, and a later mark
    /// MUST NOT settle before an earlier one.
    fn has_settled(&self, mark: Mark) -> bool {
        mark.has_passed(self.clock())
    }

    /// Returns what tells whether the key is written from now on, for a [`Condition`]; nothing if
    /// other processes write as well.
    #[doc(hidden)]
    fn fence(&self, key: &Key) -> Option<Fence> {
        let _ = key;
        None
    }

    /// The queue in which updates of one record wait for each other. An engine with
    /// compare-and-swap SHOULD keep one for all of its clones, and a wrapper MUST return that of
    /// the store inside, [`within`](FairQueue::within) its prefix if it changes keys. Without it
    /// updates are fair among the clones of one [`Kv`](crate::Kv) alone.
    fn fair_queue(&self) -> Option<&FairQueue> {
        None
    }

    /// The record under `key`.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Record>>> + MaybeSend;

    /// The records under `keys`: as many answers, in the same order, a key that is asked for twice answered twice. MUST be
    /// of one moment if [`Capabilities::snapshot_reads`] says so. The caller keeps to [`Limits::batch_read`], but for the groups of
    /// one entity, which are one batch.
    fn get_many(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        async move {
            let mut records = Vec::with_capacity(keys.len());
            for key in keys {
                records.push(self.get(key).await?);
            }
            Ok(records)
        }
    }

    /// The record under `key` as [`Store::get`] gives it, and when it expires. A store whose `get` leaves that out, because only the server
    /// tells it and it costs more, has to ask here, in the same round trip. Where that cannot be, [`Record::expiry_known`] MUST be
    /// false, and [`Store::head`] tells.
    fn get_with_expiry(&self, key: &Key) -> impl Future<Output = Result<Option<Record>>> + MaybeSend {
        self.get(key)
    }

    /// The records under `keys` as [`Store::get_many`] gives them, and when they expire, as [`Store::get_with_expiry`] has it.
    fn get_many_with_expiry(
        &self,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        self.get_many(keys)
    }

    /// All of the record under `key` but its value, and when it expires, also where the other reads do not know
    /// ([`Record::expiry_known`]). SHOULD cost less than reading the record.
    fn head(&self, key: &Key) -> impl Future<Output = Result<Option<Head>>> + MaybeSend {
        async move { Ok(self.get(key).await?.map(Head::from)) }
    }

    /// Writes the record, whatever stands there; what stood there is gone, its expiry and metadata too.
    fn put(&self, key: Key, record: NewRecord) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Writes records, in their order: of two under one key the later one MUST remain. All or none if
    /// [`Capabilities::atomic_batches`] says so; otherwise a failure MUST be [`Error::Partial`], saying which were written and of which that is unknown.
    /// The caller keeps to [`Limits::batch_write`], but for the groups of one entity, which are one batch.
    fn put_many(&self, records: Vec<(Key, NewRecord)>) -> impl Future<Output = Result<()>> + MaybeSend {
        async move {
            for (written, (key, record)) in records.into_iter().enumerate() {
                let at = Location::of(self.name(), &key);
                self.put(key, record).await.map_err(|error| partial(at, written, error))?;
            }
            Ok(())
        }
    }

    /// Writes records as [`Store::put_many`] does, as a part of a longer write that ends with a
    /// `put_many`, which may be of no records.
    ///
    /// A store whose every write waits for its disk MAY make the part durable with a later write
    /// only. Until then it is read like any other write, and a crash may lose it. A later write
    /// MUST NOT be durable without it.
    fn put_part(&self, records: Vec<(Key, NewRecord)>) -> impl Future<Output = Result<()>> + MaybeSend {
        self.put_many(records)
    }

    /// Writes value and metadata if the record is still in the state of `revision`; the expiry that stands there stays. It is how a
    /// record that was migrated while it was read is written back, and how a cache fills a store.
    ///
    /// A store with [`Capabilities::compare_and_swap`] MUST do so as a commit of [`Write::Update`] would. On any other it is
    /// [`Error::Unsupported`].
    fn replace(
        &self,
        key: Key,
        revision: Revision,
        record: NewRecord,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend {
        let _ = (revision, record);
        async move {
            Err(Error::Unsupported { at: Location::of(self.name(), &key), capability: "compare-and-swap" })
        }
    }

    /// Removes the record under `key`, if there is one.
    fn delete(&self, key: Key) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Removes the records under `keys`, with the promises of [`Store::put_many`].
    fn delete_many(&self, keys: Vec<Key>) -> impl Future<Output = Result<()>> + MaybeSend {
        async move {
            for (written, key) in keys.into_iter().enumerate() {
                let at = Location::of(self.name(), &key);
                self.delete(key).await.map_err(|error| partial(at, written, error))?;
            }
            Ok(())
        }
    }

    /// One page of the keys that begin with [`ListQuery::prefix`] and end with its suffix.
    ///
    /// - It MUST hold at most [`ListQuery::limit`] entries; it MAY hold fewer, even none, and yet
    ///   have a cursor.
    /// - It SHOULD end with the entry at which its keys and values have [`ListQuery::max_bytes`],
    ///   and after a bounded number of keys that it passes over. It SHOULD yield to other tasks
    ///   rather than hold the thread for longer than 10 ms.
    /// - Following cursors until there is none MUST show every key that was there all the time exactly once. A key written
    ///   or deleted meanwhile MAY be shown or not.
    /// - Entries MUST be in the order of their keys' bytes if [`Capabilities::ordered`] says so.
    /// - A record that cannot be read MUST NOT end the list: its entry holds the error.
    /// - A cursor that this list did not give MUST be [`Error::InvalidCursor`]: one of another prefix, or of no list.
    fn list(&self, query: &ListQuery) -> impl Future<Output = Result<ListPage>> + MaybeSend;

    /// Shows the entries of a page that [`Store::list`] would give, one after the other, and gives that page's cursor, with the promises of
    /// that. It is for a store that can lend its records: they are decoded where they lie, and no page is built.
    ///
    /// - It MUST show records with their values, whatever [`ListQuery::content`] says; and what cannot be read as an error.
    /// - `each` is the caller's code. The store SHOULD hold no lock while it runs. A panic of it MUST reach the caller, and leave the
    ///   store as sound as before.
    ///
    /// After an error the caller throws away what was shown.
    fn list_each(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, Result<RecordRef<'_>>) + MaybeSend,
    ) -> impl Future<Output = Result<Option<Cursor>>> + MaybeSend {
        async move {
            let page = self.list(&query.clone().with_content(Content::Records)).await?;
            Ok(page.lend_each_yielding(each).await)
        }
    }
}

/// A store that can change records on conditions, all at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no compare-and-swap, which this call needs",
    label = "this store cannot tell whether a record has changed since it was read",
    note = "`put`, `get`, `delete` and `list` work on every store",
    note = "`insert`, `update`, `try_update`, `upsert` and `touch` need a store that implements `AtomicStore`, such as `MemoryStore` or `RedbStore`",
    note = "where the last write may win, there are `update_last_write_wins`, `try_update_last_write_wins`, `upsert_last_write_wins` and `touch_last_write_wins`; in the place of `insert` there are `exists` and `put`"
)]
pub trait AtomicStore: Store {
    /// Makes all writes if all conditions hold, and none otherwise.
    ///
    /// - Conditions MUST be tested and writes made as one step: no other writer comes between.
    /// - After a failure nothing MUST have been written, unless it is [`Error::OutcomeUnknown`].
    /// - Every `Put` and `Update` MUST give the record a revision that no record had before; a `Touch` MAY leave the revision.
    /// - Of two writes of one key the later one MUST remain.
    fn commit(
        &self,
        conditions: Vec<Condition>,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend;
}

/// What must stand under a key for a commit to take place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Condition {
    /// The key.
    pub key: Key,
    /// What is expected there.
    pub expect: Expect,
    /// Fails the condition if the key was written meanwhile. Only the store that made it checks it.
    pub(crate) fence: Option<Fence>,
}

impl Condition {
    /// A condition on one key.
    #[must_use]
    pub const fn new(key: Key, expect: Expect) -> Self {
        Self { key, expect, fence: None }
    }

    /// Whether every write of the key makes it fail.
    #[cfg(feature = "cache")]
    pub(crate) const fn sees_any_write(&self) -> bool {
        self.fence.is_some() || matches!(self.expect, Expect::Revision(_))
    }
}

/// What is expected under a key.
#[derive(Clone, Debug)]
pub enum Expect {
    /// No record, or an expired one.
    Absent,
    /// Any record.
    Present,
    /// The record in the state that was read.
    Revision(Revision),
}

/// One write of a commit.
#[derive(Clone, Debug)]
pub enum Write {
    /// Writes the record, whatever stands there.
    Put(Key, NewRecord),
    /// Writes value and metadata; the expiry that stands there at that moment stays, and the record's own is not used. Where no
    /// record stands it is a `Put`.
    Update(Key, NewRecord),
    /// Sets the expiry of the record, and nothing else. Without a record nothing happens.
    /// [`Expiry::AtLeast`] MUST NOT set an earlier expiry than the record has, and MUST leave a record
    /// as it is that does not expire.
    Touch(Key, Expiry),
    /// Removes what stands there.
    Delete(Key),
}

impl Write {
    /// The key that it writes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Update(key, _) | Self::Touch(key, _) | Self::Delete(key) => key,
        }
    }
}

/// How a commit ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All conditions held, and all is written.
    Done,
    /// The condition at this place did not hold, and nothing is written.
    Conflict(usize),
}

fn partial(at: Box<Location>, written: usize, source: Error) -> Error {
    let unknown = if source.is_unknown() { vec![written] } else { Vec::new() };
    Error::Partial { at, written, also: Vec::new(), unknown, source: Box::new(source) }
}
