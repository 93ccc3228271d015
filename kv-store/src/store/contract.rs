//! The contract that every store keeps.

use std::future::Future;
use std::time::Duration;

use super::batch::{Batch, Write};
use super::condition::{Commit, Condition};
use super::cursor::Cursor;
use super::get::GetOptions;
use super::info::StoreInfo;
use super::lease::Lease;
use super::page::EntryRef;
use super::query::ListQuery;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::maybe_send::{MaybeSend, MaybeSync};
use crate::record::Record;

/// An engine that keeps records under keys.
///
/// MUST, SHOULD and MAY have their meaning in RFC 2119. The conformance suite tests each MUST.
///
/// - A record expires when the store's [clock](StoreInfo::clock) reaches `expires_at`, or when the
///   server's clock does, if the server removes expired records itself. An **expired record** MUST
///   be invisible to every method at once, and MUST count as absent in a condition.
/// - A read MUST return a record as it was written: value, metadata with its foreign members, and
///   expiry. It MAY omit `expires_at` if only the server knows it and the method does not promise
///   it.
/// - Every later read through the same store MUST see a write, unless [`Capabilities::sharing`](super::Capabilities::sharing) is
///   [`Eventual`](super::Sharing::Eventual).
/// - A [plain record](crate::record::NewRecord::plain) MUST be stored as its value alone if
///   [`Capabilities::plain_records`](super::Capabilities::plain_records) is set. Otherwise the
///   caller passes none. It passes one that expires only if
///   [`Capabilities::plain_expiry`](super::Capabilities::plain_expiry) is set.
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
///
/// [`Location::of`]: crate::Location::of
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "expected a store, such as `MemoryStore` or `RedbStore`"
)]
pub trait Store: MaybeSend + MaybeSync + 'static {
    /// Returns what the store is: name, clock, capabilities, limits. MUST return the same every
    /// time. A wrapper MUST return that of the store inside, or a changed clone of it.
    fn info(&self) -> &StoreInfo;

    /// Returns the record under `key`.
    ///
    /// A store whose reads omit the expiry MUST ask its server for it in the same round trip if
    /// [`GetOptions::expiry`] is set. If it cannot, [`Record::expiry_known`] MUST be false, and a
    /// read of [`GetOptions::head`] MUST return the expiry.
    fn get(&self, key: &Key, options: GetOptions)
    -> impl Future<Output = Result<Option<Record>>> + MaybeSend;

    /// Returns one answer for each of `keys`, in the same order. A key that is passed twice is
    /// answered twice. All answers MUST be of one moment if [`Capabilities::snapshot_reads`](super::Capabilities::snapshot_reads) is
    /// set. By default it gets one after the other.
    ///
    /// The caller passes at most [`Limits::batch_read`](super::Limits::batch_read) keys. The groups of one entity are one
    /// batch even if they are more.
    fn get_many(
        &self,
        keys: &[Key],
        options: GetOptions,
    ) -> impl Future<Output = Result<Vec<Option<Record>>>> + MaybeSend {
        async move {
            let mut records = Vec::with_capacity(keys.len());
            for key in keys {
                records.push(self.get(key, options).await?);
            }
            Ok(records)
        }
    }

    /// Puts and deletes records in order. The last write wins: over the writes of others, and, of
    /// two in the batch that have the same key, the later one MUST win.
    ///
    /// - A put replaces any record under its key, including expiry and metadata. A delete does
    ///   nothing if there is no record.
    /// - If [`Capabilities::atomic_batches`](super::Capabilities::atomic_batches) is set, either all writes are made or none. Otherwise a
    ///   failure MUST be [`Error::Partial`], which says which were made, and for which this is
    ///   unknown. That of a single write MUST NOT be.
    /// - The caller passes [`Write::Put`] and [`Write::Delete`] alone, and at most
    ///   [`Limits::batch_write`](super::Limits::batch_write) of them. The groups of one entity are one batch even if they are
    ///   more. A store MAY refuse any other write as [`Error::Unsupported`].
    fn write(&self, batch: Batch) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Makes all writes if all conditions hold, and none otherwise.
    ///
    /// - Conditions MUST be checked and writes made in one atomic step. No other write can happen
    ///   between them.
    /// - A failed commit MUST NOT have written anything, unless it fails with
    ///   [`Error::OutcomeUnknown`].
    /// - Every `Put` and `Update` MUST give the record a revision that no record had before. A
    ///   `Touch` MAY keep the revision. The revision of a plain record MAY be its value. Then a
    ///   write whose answer was lost MUST NOT count as made because its value is there: another
    ///   program may have written the same value.
    /// - If several conditions do not hold, the outcome MUST name the one with the least index.
    /// - A commit without writes MUST check its conditions.
    /// - If two writes have the same key, the later one MUST win.
    ///
    /// The caller keeps to [`Limits::commit`](super::Limits::commit) and the limits beside it. A
    /// commit of one entity's groups is within the scope of every store, and may be larger. A commit
    /// of keys beyond [`Limits::commit_scope`](super::Limits::commit_scope) MUST fail and write
    /// nothing, as [`Error::NotTogether`] if the store refuses it by [`CommitScope::check`](super::CommitScope::check).
    ///
    /// By default it is [`Error::Unsupported`]. A store that has it implements [`AtomicStore`] and
    /// sets [`Capabilities::compare_and_swap`](super::Capabilities::compare_and_swap).
    fn commit(
        &self,
        conditions: Vec<Condition>,
        batch: Batch,
    ) -> impl Future<Output = Result<Commit>> + MaybeSend {
        let key = batch.first().map(Write::key).or(conditions.first().map(|condition| &condition.key));
        let at = self.info().at(key);
        async move { Err(Error::Unsupported { at, capability: "compare-and-swap" }) }
    }

    /// Lends one page of the records whose keys start with the query's prefix and end with its suffix.
    ///
    /// - A page MUST hold at most [`ListQuery::limit`] entries. It MAY hold fewer, or none, and
    ///   still have a cursor.
    /// - A page SHOULD end once its keys and values reach [`ListQuery::max_bytes`], or after a
    ///   bounded number of skipped keys. The call SHOULD yield to other tasks rather than hold the
    ///   thread for longer than 10 ms.
    /// - A caller that follows the cursors to the end MUST see every key that existed all the time
    ///   exactly once. Keys written or deleted meanwhile MAY appear.
    /// - Entries MUST be sorted by the bytes of their keys if [`Capabilities::ordered`](super::Capabilities::ordered) is set.
    /// - A record that cannot be read MUST NOT end the list. Its entry holds the error.
    /// - A cursor that did not come from a list with this prefix MUST be [`Error::InvalidCursor`].
    /// - `each` is the caller's code. The store SHOULD hold no lock while it runs. If it panics,
    ///   the panic MUST reach the caller, and the store MUST work as before.
    ///
    /// Returns where the list goes on. If the call fails, the caller discards the entries that it
    /// was passed. A store that builds pages passes them on by [`ListPage::lend`](super::ListPage::lend).
    fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> impl Future<Output = Result<Option<Cursor>>> + MaybeSend;

    /// Takes a lease of each key, and returns one for each, in the same order. A store without
    /// leases returns none at all, which is the default. A wrapper MUST forward the call.
    ///
    /// A record that is absent has no revision, so [`Expect::Absent`](super::Expect::Absent) cannot tell whether the
    /// record was written and deleted meanwhile. With a lease it can. A cache takes one of an
    /// absent record before it asks an origin, and fills the store with the answer only if the
    /// lease still holds. Without leases a fill can bring back what another process deleted.
    ///
    /// - A commit MUST fail at a condition that expects an absent record and has a lease, if the
    ///   key was written since the lease was taken. That includes puts and deletes by other handles
    ///   and processes, in batches and commits.
    /// - A write that makes a lease void MUST do so in the same step.
    /// - A lease SHOULD hold for `life`, and MAY be lost earlier. It MUST NOT hold for longer than
    ///   [`LONGEST_LEASE`](super::LONGEST_LEASE).
    /// - Several callers MAY hold the same lease of a key.
    /// - Nothing that a store keeps for a lease may be shown by reads or lists.
    fn lease(&self, keys: &[Key], life: Duration) -> impl Future<Output = Result<Vec<Lease>>> + MaybeSend {
        let _ = (keys, life);
        async { Ok(Vec::new()) }
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
pub trait AtomicStore: Store {}
