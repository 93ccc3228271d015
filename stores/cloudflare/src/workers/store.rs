//! The store: what its calls ask of the binding.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record};
use kv_store::store::{Batch, Cursor, EntryRef, GetOptions, ListQuery, Store, StoreInfo};
use kv_store::{Clock, Error, Location, MaybeSend, Result, Timer, Timestamp};
use serde_json::Value;

use super::binding::Binding;
use super::{BATCH_READ, BATCH_WRITE, NAME};
use crate::changes::changes;
use crate::limits::{CAPABILITIES, check_key};
use crate::record::{self, RawRecord};

/// Cloudflare KV inside a Worker: a KV binding (feature `workers`, on wasm32 alone).
///
/// Records are spelt as [the wire format](https://docs.rs/kv-runtime/latest/kv_runtime/guide/wire_format/index.html) says, so a service with
/// `CloudflareStore` and Workers in JavaScript share them. KV has no compare-and-swap. It shows a
/// write elsewhere after 60 seconds or more, and takes one write of a key a second.
///
/// An invocation may make a limited number of calls. Each read, write, delete and list is one; a
/// read of up to 100 keys is one, too.
///
/// A call that fails is made once. Its error is retryable at status 429, and where a read met a 5xx
/// or a lost connection. A write that met those is
/// [`Error::OutcomeUnknown`](kv_store::Error::OutcomeUnknown). The error of a used-up daily quota, or
/// of an invocation that has made all of its calls, says so and is not retryable.
///
/// The handle is `Send` and `Sync`, as the `worker` crate's own are: a Worker has one thread.
///
/// ```ignore
/// #[worker::event(fetch)]
/// async fn fetch(_: worker::Request, env: worker::Env, _: worker::Context) -> worker::Result<worker::Response> {
///     let users = Kv::new(WorkersStore::new(&env, "PROFILES").map_err(failure)?).collection::<User>();
///     match users.get(7).await.map_err(failure)? {
///         Some(user) => worker::Response::ok(user.name),
///         None => worker::Response::error("there is no such user", 404),
///     }
/// }
///
/// fn failure(error: kv_runtime::Error) -> worker::Error {
///     worker::Error::RustError(format!("{error:?}")) // with its causes
/// }
/// ```
#[derive(Clone)]
pub struct WorkersStore {
    pub(super) binding: Binding,
    /// What the Worker's configuration calls the namespace.
    pub(super) name: String,
    pub(super) info: StoreInfo,
}

/// The least time for which Cloudflare keeps a copy near the reader.
const LEAST_CACHE_TTL: Duration = Duration::from_secs(30);

impl WorkersStore {
    /// The namespace that the Worker's configuration binds to this name, by the Worker's clock and
    /// timer.
    ///
    /// A binding that is not there is [`Error::InvalidOptions`](kv_store::Error::InvalidOptions).
    pub fn new(env: &worker::Env, binding: &str) -> Result<Self> {
        Self::with_clock(env, binding, Clock::system().with_timer(Timer::new(worker::Delay::from)))
    }

    /// The same, by this clock. Cloudflare itself forgets records by its own.
    pub fn with_clock(env: &worker::Env, binding: &str, clock: Clock) -> Result<Self> {
        let capabilities = CAPABILITIES.limits(CAPABILITIES.limits.batches(BATCH_READ, BATCH_WRITE));
        let info = StoreInfo::new(NAME, capabilities).with_clock(clock);
        Ok(Self { binding: Binding::of(env, binding)?, name: binding.to_owned(), info })
    }

    /// The same, whose reads may be answered by a copy near the reader for so long: KV's
    /// `cacheTtl`, which is 60 seconds unless it is set. A longer one makes reads of seldom read
    /// keys faster, and lets them be as old.
    ///
    /// Less than 30 seconds is [`Error::InvalidOptions`](kv_store::Error::InvalidOptions).
    pub fn with_cache_ttl(mut self, ttl: Duration) -> Result<Self> {
        if ttl < LEAST_CACHE_TTL {
            let what = "the cache TTL is below Cloudflare's minimum of 30 seconds";
            return Err(Error::InvalidOptions { at: Location::store(NAME), what: what.into() });
        }
        self.binding = self.binding.with_cache_ttl(ttl.as_secs());
        Ok(self)
    }

    /// Writes a record, or deletes it.
    pub(super) async fn write_one(&self, key: &Key, record: Option<NewRecord>) -> Result<()> {
        check_key(NAME, key)?;
        let spelt = match record {
            Some(record) => record::spell(record, self.info.clock().now(), &|| Location::of(NAME, key))?,
            None => None,
        };
        match spelt {
            Some(spelt) => self.binding.put(key, spelt).await,
            None => self.binding.delete(key).await,
        }
    }
}

pub(super) fn read(key: &Key, found: RawRecord, now: Timestamp) -> Result<Option<Record>> {
    record::read(found, now, &|| Location::of(NAME, key))
}

pub(super) fn read_head(
    key: &Key,
    metadata: Option<Value>,
    expiration: Option<u64>,
    now: Timestamp,
) -> Result<Option<Head>> {
    record::read_head(metadata, expiration, now, &|| Location::of(NAME, key))
}

impl fmt::Debug for WorkersStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkersStore").finish_non_exhaustive()
    }
}

impl Store for WorkersStore {
    fn info(&self) -> &StoreInfo {
        &self.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        check_key(NAME, key)?;
        if !options.value {
            return Ok(self.listed_head(key).await?.map(Record::from));
        }
        match self.binding.get(key).await? {
            Some(found) => read(key, found, self.info.clock().now()),
            None => Ok(None),
        }
    }

    async fn get_many(&self, keys: &[Key], _: GetOptions) -> Result<Vec<Option<Record>>> {
        keys.iter().try_for_each(|key| check_key(NAME, key))?;
        let mut names = BTreeSet::new();
        names.extend(keys.iter().map(Key::as_str));
        let names: Vec<&str> = names.into_iter().collect();
        let at = |name: &str| match keys.iter().find(|key| key.as_str() == name) {
            Some(key) => Location::of(NAME, key),
            None => Location::store(NAME),
        };
        let (mut found, _) = self.binding.get_many(&names, usize::MAX, &at).await?;
        // One moment for all, as they are one answer.
        let now = self.info.clock().now();
        let mut records: HashMap<&str, Option<Record>> = HashMap::with_capacity(found.len());
        for key in keys {
            if let Some(found) = found.remove(key.as_str()) {
                records.insert(key.as_str(), read(key, found, now)?);
            }
        }
        Ok(keys.iter().map(|key| records.get(key.as_str()).cloned().flatten()).collect())
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        let mut changes = changes(NAME, batch)?;
        if changes.len() > 1 {
            return self.write_many(changes).await;
        }
        match changes.pop() {
            Some((key, record)) => self.write_one(&key, record).await,
            None => Ok(()),
        }
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        Ok(self.list_page(query).await?.lend(each).await)
    }
}
