//! The store inside an object.

use std::fmt;
use std::rc::Rc;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, Commit, Condition, Cursor, EntryRef, GetOptions, ListQuery, Sharing, Store,
    StoreInfo, Write,
};
use kv_store::{Clock, Location, MaybeSend, Result};
use worker::send::SendWrapper;

use super::alarm::Alarm;
use super::message::{Change, Check, Range, Request, Response};
use super::table::Table;
use super::{CAPABILITIES, NAME, answer};

/// The SQLite of a Durable Object, used inside the object (feature `durable-objects`, on wasm32
/// alone).
///
/// It has all that [`MemoryStore`](kv_store::store::MemoryStore) has, except indexes, and is
/// durable: commits of several keys, lists in order, expiry. A call takes place in one step, when it
/// is first polled. What a request wrote is on the disk before its response leaves the object. A
/// Worker reaches it from outside by [`DurableClient`](super::DurableClient), or by any other
/// request to the object.
///
/// An object has 10 GB. A key has at most 2,048 bytes here and a value 1.9 MB, as a row may have
/// 2 MB.
///
/// ```ignore
/// #[durable_object]
/// pub struct Accounts {
///     store: DurableStore,
/// }
///
/// impl DurableObject for Accounts {
///     fn new(state: State, _: Env) -> Self {
///         Self { store: DurableStore::new(&state) }
///     }
///
///     async fn fetch(&self, request: Request) -> worker::Result<Response> {
///         self.store.serve(request).await
///     }
///
///     async fn alarm(&self) -> worker::Result<Response> {
///         self.store.sweep().await?;
///         Response::empty()
///     }
/// }
/// ```
#[derive(Clone)]
pub struct DurableStore(SendWrapper<Rc<Shared>>);

struct Shared {
    info: StoreInfo,
    table: Table,
    alarm: Option<Alarm>,
}

impl DurableStore {
    pub(super) fn of(table: Table, clock: Clock, sets_alarm: bool) -> Self {
        let alarm = sets_alarm.then(Alarm::default);
        let mut capabilities = CAPABILITIES.snapshot_reads().atomic_batches();
        // Nobody but the object reaches its SQLite.
        capabilities.sharing = Sharing::Exclusive;
        // A call takes place when it is polled, or never.
        let info = StoreInfo::new(NAME, capabilities).with_clock(clock).settling_at_once();
        Self(SendWrapper::new(Rc::new(Shared { info, table, alarm })))
    }

    /// Removes up to 1,000 records that have expired, and sets the alarm for the next sweep: when the
    /// next record expires, a minute later at the earliest, or after a second if this sweep has left
    /// some. The object's `alarm` handler calls it. With
    /// [`without_alarm`](DurableOptions::without_alarm) call it as it suits you.
    pub async fn sweep(&self) -> worker::Result<()> {
        let Shared { info, table, alarm } = &**self.0;
        let now = info.clock().now();
        table.sweep(now).map_err(|failure| worker::Error::RustError(failure.message))?;
        match alarm {
            Some(alarm) => Ok(alarm.set(table, now).await?),
            None => Ok(()),
        }
    }

    /// Makes a call, and sees to the alarm.
    pub(super) async fn call(&self, request: Request) -> Response {
        let Shared { info, table, alarm } = &**self.0;
        let now = info.clock().now();
        let response = table.answer(request, now);
        if table.take_expires()
            && let Some(alarm) = alarm
            && let Err(error) = alarm.follow(table, now).await
        {
            // The write is done, and the next one sets the alarm.
            tracing::warn!(?error, "the alarm that removes expired records was not set");
        }
        response
    }
}

impl fmt::Debug for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableStore").finish_non_exhaustive()
    }
}

impl Store for DurableStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, _: GetOptions) -> Result<Option<Record>> {
        let at = || Location::of(NAME, key);
        let row = self.0.table.get(key.as_str(), self.0.info.clock().now());
        match row.map_err(|failure| failure.into_error("read", at()))? {
            Some(row) => answer::record(row, &at).map(Some),
            None => Ok(None),
        }
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        let texts = keys.iter().map(|key| key.as_str().to_owned()).collect();
        answer::records(self.call(Request::Get(texts)).await, &keys.iter().collect::<Vec<_>>())
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let single = batch.first().filter(|_| batch.len() == 1).map(|write| Location::of(NAME, write.key()));
        let at = single.unwrap_or_else(|| Location::store(NAME));
        answer::done(self.call(Request::Write(Change::all(batch)?)).await, || at)
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let at = self.0.info.at(batch.first().map(Write::key));
        let request = Request::Commit(Check::all(conditions), Change::all(batch)?);
        answer::commit(self.call(request).await, || at)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        let page = answer::page(self.call(Request::List(Range::of(query)?)).await, query)?;
        Ok(page.lend(each).await)
    }
}

impl AtomicStore for DurableStore {}
