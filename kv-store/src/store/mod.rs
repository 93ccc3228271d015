//! Stores: engines that keep records under keys. They see keys and bytes, never entities.
//!
//! An engine implements [`Store`]. [`AtomicStore`] adds compare-and-swap, which `insert`, `update`
//! and atomic writes of several groups need. [`Capabilities`] describes as data what a store can do
//! and its limits. The conformance suite (feature `conformance`) tests every MUST of these docs.

mod capabilities;
mod cursor;
mod fair_queue;
mod fence;
mod lease;
mod list;
mod mark;
mod memory;

use std::future::Future;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::record::{Expiry, Head, NewRecord, Record, RecordRef, Revision};

pub use capabilities::{Capabilities, CommitScope, Limits, Sharing};
pub use cursor::Cursor;
pub use fair_queue::FairQueue;
#[doc(hidden)]
pub use fair_queue::Turn;
#[doc(hidden)]
pub use fence::Fences;
pub use lease::{LONGEST_LEASE, Lease};
#[doc(hidden)]
pub use list::Entries;
pub use list::{Content, Entry, ListPage, ListQuery};
pub use mark::{Mark, SETTLES_AFTER};
pub use memory::MemoryStore;

/// An engine that keeps records under keys.
///
/// MUST, SHOULD and MAY have their meaning in RFC 2119. The conformance suite tests each MUST.
///
/// - A record expires when the store's [clock](Store::clock) reaches `expires_at`, or when the
///   server's clock does, if the server removes expired records itself. An **expired record** MUST
///   be invisible to every method at once, and MUST count as absent in a condition.
/// - A read MUST return a record as it was written: value, metadata with its foreign members, and
///   expiry. It MAY omit `expires_at` if only the server knows it and the method does not promise
///   it.
/// - Every later read through the same store MUST see a write, unless [`Capabilities::sharing`] is
///   [`Eventual`](Sharing::Eventual).
/// - A dropped future MUST leave each record whole: either as before the call, or as after it.
/// - A method MUST NOT panic on any stored bytes. It returns [`Error::Malformed`] with the key, and
///   leaves the record unchanged.
/// - The caller checks limits. A store need not check them again.
/// - The location of an error SHOULD be made from the [`Key`] that the caller passed
///   ([`Location::of`]), because it knows which of its segments are secret. A key parsed from text
///   ([`Key::from_text`]) does not.
///
/// Applications use a store through a [`Collection`](https://docs.rs/kv-runtime/latest/kv_runtime/struct.Collection.html) and seldom call these
/// methods.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "expected a store, such as `MemoryStore` or `RedbStore`"
)]
pub trait Store: MaybeSend + MaybeSync + 'static {
    /// Returns the store's name for errors and spans, such as `redb`.
    fn name(&self) -> &'static str;

    /// Returns the clock that decides when records expire. Collections also take the timestamps in
    /// a record's metadata from it.
    fn clock(&self) -> &Clock;

    /// Returns what the store can do, and its limits. MUST return the same value every time.
    fn capabilities(&self) -> Capabilities;

    /// Adds what only this store knows to the location of an error, such as a namespace. Callers
    /// use it for errors that did not come from the store. A wrapper MUST forward it. Does nothing
    /// by default.
    fn locate(&self, at: &mut Location) {
        let _ = at;
    }

    /// Returns a mark that [settles](Self::has_settled) once no earlier call can change a record
    /// any more. Earlier calls include those whose futures were dropped, and those that failed with
    /// [`Error::OutcomeUnknown`]. A cache holds nothing that it read before.
    ///
    /// By default a mark settles [`SETTLES_AFTER`] later by the store's [monotonic
    /// clock](Clock::monotonic). A store that knows better SHOULD implement both methods. They MUST
    /// NOT block. A wrapper MUST forward both.
    fn mark(&self) -> Mark {
        Mark::by(self.clock())
    }

    /// Whether a mark of this store has settled. A settled mark MUST stay settled, and a later mark
    /// MUST NOT settle before an earlier one.
    fn has_settled(&self, mark: Mark) -> bool {
        mark.has_passed(self.clock())
    }

    /// Takes a lease of each key, and returns one for each, in the same order. A store without
    /// leases returns none at all, which is the default. A wrapper MUST forward the call.
    ///
    /// A record that is absent has no revision, so [`Expect::Absent`] cannot tell whether the
    /// record was written and deleted meanwhile. With a lease it can. A cache takes one of an
    /// absent record before it asks an origin, and fills the store with the answer only if the
    /// lease still holds. Without leases a fill can bring back what another process deleted.
    ///
    /// - A commit MUST fail at a condition that expects an absent record and has a lease, if the
    ///   key was written since the lease was taken. That includes puts and deletes by other handles
    ///   and processes, in batches and commits.
    /// - A write that makes a lease void MUST do so in the same step.
    /// - A lease SHOULD hold for `life`, and MAY be lost earlier. It MUST NOT hold for longer than
    ///   [`LONGEST_LEASE`].
    /// - Several callers MAY hold the same lease of a key.
    /// - Nothing that a store keeps for a lease may be shown by reads or lists.
    fn lease(&self, keys: &[Key], life: Duration) -> impl Future<Output = Result<Vec<Lease>>> + MaybeSend {
        let _ = (keys, life);
        async { Ok(Vec::new()) }
    }

    /// The queue in which updates of one record wait for each other. An engine with
    /// compare-and-swap SHOULD keep one for all of its clones, and a wrapper MUST return that of
    /// the store inside, [`within`](FairQueue::within) its prefix if it changes keys. Without it
    /// updates are fair among the clones of one [`Kv`](https://docs.rs/kv-runtime/latest/kv_runtime/struct.Kv.html) alone.
    fn fair_queue(&self) -> Option<&FairQueue> {
        None
    }

    /// Returns the record under `key`.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Record>>> + MaybeSend;

    /// Returns one answer for each of `keys`, in the same order. A key that is passed twice is
    /// answered twice. All answers MUST be of one moment if [`Capabilities::snapshot_reads`] is
    /// set.
    ///
    /// The caller passes at most [`Limits::batch_read`] keys. The groups of one entity are one
    /// batch even if they are more.
    fn get_many(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        async move {
            let mut records = Vec::with_capacity(keys.len());
            for key in keys {
                records.push(self.get(key).await?);
            }
            Ok(records)
        }
    }

    /// Returns the record under `key` as [`Store::get`] does, with its expiry.
    ///
    /// A store whose `get` omits the expiry must ask its server for it here, in the same round
    /// trip. If it cannot, [`Record::expiry_known`] MUST be false, and [`Store::head`] MUST return
    /// the expiry.
    fn get_with_expiry(&self, key: &Key) -> impl Future<Output = Result<Option<Record>>> + MaybeSend {
        self.get(key)
    }

    /// Returns the records under `keys` as [`Store::get_many`] does, with their expiry as
    /// [`Store::get_with_expiry`] returns it.
    fn get_many_with_expiry(
        &self,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        self.get_many(keys)
    }

    /// Returns the record under `key` without its value. Always includes the expiry, even if the
    /// other reads do not ([`Record::expiry_known`]). SHOULD cost less than reading the record.
    fn head(&self, key: &Key) -> impl Future<Output = Result<Option<Head>>> + MaybeSend {
        async move { Ok(self.get(key).await?.map(Head::from)) }
    }

    /// Writes the record. Replaces any record under `key`, including its expiry and metadata.
    fn put(&self, key: Key, record: NewRecord) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Writes records in order. If two have the same key, the later one MUST win.
    ///
    /// If [`Capabilities::atomic_batches`] is set, either all records are written or none.
    /// Otherwise a failure MUST be [`Error::Partial`], which says which records were written, and
    /// for which this is unknown.
    ///
    /// The caller passes at most [`Limits::batch_write`] records. The groups of one entity are one
    /// batch even if they are more.
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
    /// A store whose every write waits for its disk MAY commit the part with a later write only.
    /// Until then reads may miss it, a crash may lose it, and a [mark](Store::mark) MUST NOT
    /// settle. A later write MUST NOT be seen or be durable without it.
    fn put_part(&self, records: Vec<(Key, NewRecord)>) -> impl Future<Output = Result<()>> + MaybeSend {
        self.put_many(records)
    }

    /// Writes value and metadata if the record still has `revision`, and keeps the expiry of the
    /// stored record. A migrating read writes back with it, and a cache fills its store with it.
    ///
    /// A store with [`Capabilities::compare_and_swap`] MUST do what a commit of [`Write::Update`]
    /// does. Any other store returns [`Error::Unsupported`].
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

    /// Deletes the record under `key`. Does nothing if there is none.
    fn delete(&self, key: Key) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Deletes the records under `keys`, with the promises of [`Store::put_many`].
    fn delete_many(&self, keys: Vec<Key>) -> impl Future<Output = Result<()>> + MaybeSend {
        async move {
            for (written, key) in keys.into_iter().enumerate() {
                let at = Location::of(self.name(), &key);
                self.delete(key).await.map_err(|error| partial(at, written, error))?;
            }
            Ok(())
        }
    }

    /// Returns one page of the keys that start with the query's prefix and end with its suffix.
    ///
    /// - A page MUST hold at most [`ListQuery::limit`] entries. It MAY hold fewer, or none, and
    ///   still have a cursor.
    /// - A page SHOULD end once its keys and values reach [`ListQuery::max_bytes`], or after a
    ///   bounded number of skipped keys. The call SHOULD yield to other tasks rather than hold the
    ///   thread for longer than 10 ms.
    /// - A caller that follows the cursors to the end MUST see every key that existed all the time
    ///   exactly once. Keys written or deleted meanwhile MAY appear.
    /// - Entries MUST be sorted by the bytes of their keys if [`Capabilities::ordered`] is set.
    /// - A record that cannot be read MUST NOT end the list. Its entry holds the error.
    /// - A cursor that did not come from a list with this prefix MUST be [`Error::InvalidCursor`].
    fn list(&self, query: &ListQuery) -> impl Future<Output = Result<ListPage>> + MaybeSend;

    /// Passes each entry of the page that [`Store::list`] would return to `each`, and returns the
    /// page's cursor. A store that can lend its records implements it, so that they are decoded
    /// in place and no page is built. The promises of [`Store::list`] hold here as well.
    ///
    /// - Entries MUST include values, whatever [`ListQuery::content`] says. A record that cannot be
    ///   read is passed as an error.
    /// - `each` is the caller's code. The store SHOULD hold no lock while it runs. If it panics,
    ///   the panic MUST reach the caller, and the store MUST work as before.
    ///
    /// If the call fails, the caller discards the entries that it was passed.
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

/// A store with compare-and-swap: it can write several records atomically if conditions hold.
///
/// `insert`, `update`, `try_update`, `upsert`, `touch` and `Kv::transact` need it. A store without
/// it has `put`, and calls where the last write wins: `update_last_write_wins`,
/// `try_update_last_write_wins`, `upsert_last_write_wins` and `touch_last_write_wins`. In the place
/// of `insert` there are `exists` and `put`. Nothing there takes the place of a transaction: keep
/// what changes together in one entity, or in another store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no compare-and-swap, which this call needs",
    label = "this store cannot tell whether a record has changed since it was read",
    note = "`put`, `get`, `delete` and `list` work on every store",
    note = "`insert`, `update`, `try_update`, `upsert`, `touch` and `transact` need a store that implements `AtomicStore`, such as `MemoryStore` or `RedbStore`",
    note = "where the last write may win, there are `update_last_write_wins`, `try_update_last_write_wins`, `upsert_last_write_wins` and `touch_last_write_wins`; in the place of `insert` there are `exists` and `put`"
)]
pub trait AtomicStore: Store {
    /// Makes all writes if all conditions hold, and none otherwise.
    ///
    /// - Conditions MUST be checked and writes made in one atomic step. No other write can happen
    ///   between them.
    /// - A failed commit MUST NOT have written anything, unless it fails with
    ///   [`Error::OutcomeUnknown`].
    /// - Every `Put` and `Update` MUST give the record a revision that no record had before. A
    ///   `Touch` MAY keep the revision.
    /// - If two writes have the same key, the later one MUST win.
    /// - If several conditions do not hold, [`Commit::Conflict`] MUST name the least of their
    ///   positions. A transaction puts first what it has read. So if an insert's condition is
    ///   named, everything that was read still holds.
    /// - A commit of conditions alone MUST check them.
    ///
    /// The caller keeps to [`Limits::commit`], [`Limits::commit_bytes`] and
    /// [`Limits::commit_scope`]. A commit of one entity's groups is within the scope of every
    /// store, and may be larger.
    fn commit(
        &self,
        conditions: Vec<Condition>,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend;
}

/// A requirement on the record under a key. A commit takes place only if all of them hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Condition {
    /// The key.
    pub key: Key,
    /// What is expected there.
    pub expect: Expect,
    /// With [`Expect::Absent`]: fails the condition if the key was written since the lease was
    /// taken. The store that gave the lease out checks it.
    pub lease: Option<Lease>,
}

impl Condition {
    /// Returns a condition on one key.
    #[must_use]
    pub const fn new(key: Key, expect: Expect) -> Self {
        Self { key, expect, lease: None }
    }

    /// Whether every write of the key makes it fail.
    #[doc(hidden)]
    pub const fn sees_any_write(&self) -> bool {
        self.lease.is_some() || matches!(self.expect, Expect::Revision(_))
    }
}

/// What is expected under a key.
#[derive(Clone, Debug)]
pub enum Expect {
    /// No record, or an expired one.
    Absent,
    /// Any record.
    Present,
    /// The record with this revision, which an earlier read returned.
    Revision(Revision),
}

/// One write of a commit.
#[derive(Clone, Debug)]
pub enum Write {
    /// Writes the record. Replaces any stored one.
    Put(Key, NewRecord),
    /// Writes value and metadata, and keeps the expiry that the stored record has at the time of
    /// the commit. The new record's own expiry is used only if there is no stored record.
    Update(Key, NewRecord),
    /// Sets only the expiry of the record. Does nothing if there is no record.
    /// [`Expiry::AtLeast`] MUST NOT shorten the record's expiry, and MUST NOT change a record that
    /// does not expire.
    Touch(Key, Expiry),
    /// Deletes the record, if there is one.
    Delete(Key),
}

impl Write {
    /// Returns the key that it writes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Update(key, _) | Self::Touch(key, _) | Self::Delete(key) => key,
        }
    }
}

/// The outcome of a commit that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All conditions held, and all writes were made.
    Done,
    /// The condition with this index did not hold, and all conditions before it did. Nothing was
    /// written.
    Conflict(usize),
}

fn partial(at: Box<Location>, written: usize, source: Error) -> Error {
    let unknown = if source.is_unknown() { vec![written] } else { Vec::new() };
    Error::Partial { at, written, also: Vec::new(), unknown, source: Box::new(source) }
}
