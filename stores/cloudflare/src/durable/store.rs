//! The store inside an object.

use std::fmt;
use std::rc::Rc;

use kv_store::key::Key;
use kv_store::record::{NewRecord, Record, Revision};
use kv_store::store::{
    AtomicStore, Capabilities, Commit, Condition, Expect, ListPage, ListQuery, Mark, Sharing, Store, Write,
};
use kv_store::{Clock, Location, Result};
use worker::State;
use worker::send::SendWrapper;

use super::alarm::Alarm;
use super::message::{Change, Check, Range, Request, Response};
use super::options::DurableOptions;
use super::table::Table;
use super::{CAPABILITIES, NAME, answer};

/// The SQLite of a Durable Object, used inside the object (feature `durable-objects`, on wasm32
/// alone).
///
/// It has all that [`MemoryStore`](kv_store::store::MemoryStore) has, and is durable: commits of several keys, lists in
/// order, expiry. A call takes place in one step, when it is first polled. What a request wrote is
/// on the disk before its response leaves the object. A Worker reaches it from outside by
/// [`DurableClient`](super::DurableClient), or by any other request to the object.
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
    table: Table,
    clock: Clock,
    alarm: Option<Alarm>,
}

impl DurableStore {
    /// The store of this object, in the table `kv_records`. Nothing is read or written yet.
    ///
    /// The class has to be one with SQLite: `new_sqlite_classes` in wrangler.toml. With any other
    /// each call is an error. The store sets the object's alarm, whose handler must call
    /// [`sweep`](Self::sweep).
    #[must_use]
    pub fn new(state: &State) -> Self {
        Self::options(state).build()
    }

    /// How a store is set up that needs another table or clock, or leaves the alarm alone.
    pub fn options(state: &State) -> DurableOptions<'_> {
        DurableOptions::new(state)
    }

    pub(super) fn of(table: Table, clock: Clock, sets_alarm: bool) -> Self {
        let alarm = sets_alarm.then(Alarm::default);
        Self(SendWrapper::new(Rc::new(Shared { table, clock, alarm })))
    }

    /// Removes up to 1,000 records that have expired, and sets the alarm for the next sweep. The
    /// object's `alarm` handler calls it; with
    /// [`without_alarm`](DurableOptions::without_alarm) call it as it suits you.
    pub async fn sweep(&self) -> worker::Result<()> {
        let Shared { table, clock, alarm } = &**self.0;
        let now = clock.now();
        table.sweep(now).map_err(|failure| worker::Error::RustError(failure.message))?;
        match alarm {
            Some(alarm) => Ok(alarm.set(table, now).await?),
            None => Ok(()),
        }
    }

    /// Makes a call, and sees to the alarm.
    pub(super) async fn call(&self, request: Request) -> Response {
        let Shared { table, clock, alarm } = &**self.0;
        let now = clock.now();
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
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = CAPABILITIES.snapshot_reads().atomic_batches();
        // Nobody but the object reaches its SQLite.
        capabilities.sharing = Sharing::Exclusive;
        capabilities
    }

    /// A call takes place when it is polled, or never.
    fn mark(&self) -> Mark {
        Mark::new(0)
    }

    fn has_settled(&self, _: Mark) -> bool {
        true
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let at = || Location::of(NAME, key);
        let row = self.0.table.get(key.as_str(), self.0.clock.now());
        match row.map_err(|failure| failure.into_error("read", at()))? {
            Some(row) => answer::record(row, &at).map(Some),
            None => Ok(None),
        }
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let texts = keys.iter().map(|key| key.as_str().to_owned()).collect();
        answer::records(self.call(Request::Get(texts)).await, &keys.iter().collect::<Vec<_>>())
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        let at = Location::of(NAME, &key);
        let write = Change::of(Write::Put(key, record))?;
        answer::done(self.call(Request::Write(vec![write])).await, || at)
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let writes = records.into_iter().map(|(key, record)| Change::of(Write::Put(key, record)));
        let writes = Request::Write(writes.collect::<Result<_>>()?);
        answer::done(self.call(writes).await, || Location::store(NAME))
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], vec![Write::Update(key, record)]).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        let at = Location::of(NAME, &key);
        answer::done(self.call(Request::Write(vec![Change::of(Write::Delete(key))?])).await, || at)
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        let writes = Change::all(keys.into_iter().map(Write::Delete).collect())?;
        answer::done(self.call(Request::Write(writes)).await, || Location::store(NAME))
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        answer::page(self.call(Request::List(Range::of(query)?)).await, query)
    }
}

impl AtomicStore for DurableStore {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let at =
            writes.first().map_or_else(|| Location::store(NAME), |write| Location::of(NAME, write.key()));
        let request = Request::Commit(Check::all(conditions), Change::all(writes)?);
        answer::commit(self.call(request).await, || at)
    }
}
