//! The KV binding of a Worker.
//!
//! `binding` (each call of the binding, and its failures), `batch` (many writes, a few at a time).

mod batch;
mod binding;

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::super::{Capabilities, Content, Cursor, Entry, ListPage, ListQuery, Store};
use super::limits::{CAPABILITIES, check_key};
use super::record::{self, Expiration, Found};
use crate::clock::{Clock, Timestamp};
use crate::error::{Location, Result};
use crate::key::Key;
use crate::record::{Head, NewRecord, Record};
use crate::timer::Timer;
use binding::{Binding, Listed};

const NAME: &str = "workers-kv";

/// The most keys of one read of the binding.
const BATCH_READ: usize = 100;

/// The binding writes one key a call, and an invocation has a limited number of calls.
const BATCH_WRITE: usize = 100;

/// The most keys of one list of the binding.
const PAGE: usize = 1_000;

/// Cloudflare KV inside a Worker: a KV binding (feature `workers`, on wasm32 alone).
///
/// Records are spelt as [docs/wire-format.md](https://docs.rs/crate/kv-runtime) says, so a service with `CloudflareStore` and Workers in
/// JavaScript share them. KV has no compare-and-swap and shows a write elsewhere after up to a minute; one key takes one
/// write a second. An invocation may make a limited number of calls, and each read, write, delete and list is one; a batched
/// read of 100 keys is one, too.
///
/// A call that fails is made once. It is a retryable error at status 429, and where a read met a 5xx or a lost connection; a write that met those is
/// [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown).
///
/// ```ignore
/// #[worker::event(fetch)]
/// async fn fetch(_: worker::Request, env: worker::Env, _: worker::Context) -> worker::Result<worker::Response> {
///     let users = Kv::new(WorkersStore::new(&env, "PROFILES").map_err(told)?).collection::<User>();
///     match users.get(7).await.map_err(told)? {
///         Some(user) => worker::Response::ok(user.name),
///         None => worker::Response::error("there is no such user", 404),
///     }
/// }
///
/// fn told(error: kv_runtime::Error) -> worker::Error {
///     worker::Error::RustError(error.to_string())
/// }
/// ```
#[derive(Clone)]
pub struct WorkersStore {
    binding: Binding,
    clock: Clock,
}

impl WorkersStore {
    /// The namespace that the Worker's configuration binds to this name, by the Worker's clock and timer.
    ///
    /// A binding that is not there is [`Error::InvalidOptions`](crate::Error::InvalidOptions).
    pub fn new(env: &worker::Env, binding: &str) -> Result<Self> {
        Self::with_clock(env, binding, Clock::system().with_timer(Timer::new(worker::Delay::from)))
    }

    /// The same, by this clock. Cloudflare itself forgets records by its own.
    pub fn with_clock(env: &worker::Env, binding: &str, clock: Clock) -> Result<Self> {
        Ok(Self { binding: Binding::of(env, binding)?, clock })
    }

    /// Writes a record, or removes what stands there.
    async fn write(&self, key: &Key, record: Option<NewRecord>) -> Result<()> {
        check_key(NAME, key)?;
        let spelt = match record {
            Some(record) => record::spell(record, self.clock.now(), &|| Location::of(NAME, key))?,
            None => None,
        };
        match spelt {
            Some(spelt) => self.binding.put(key, spelt).await,
            None => self.binding.delete(key).await,
        }
    }

    /// The entry of each key that a list shows whole. Value and metadata come from one read; the expiry, which no read tells, is
    /// the list's unless the metadata has changed since.
    async fn records(&self, listed: Vec<Listed>, prefix: &Key) -> Result<Vec<(String, Entry)>> {
        let mut found = self.binding.get_many(listed.iter().map(|listed| listed.name.as_str())).await?;
        let now = self.clock.now();
        let entry = |listed: Listed| {
            let mut found = found.remove(&listed.name)?;
            if found.metadata == listed.metadata {
                found.expiration = listed.expiration.map_or(Expiration::Never, Expiration::At);
            }
            shown(read(prefix, found, now), Entry::Record).map(|entry| (listed.name, entry))
        };
        Ok(listed.into_iter().filter_map(entry).collect())
    }

    /// The entry of each key of which a list shows no value.
    fn heads(&self, listed: Vec<Listed>, prefix: &Key, content: Content) -> Vec<(String, Entry)> {
        let now = self.clock.now();
        let show = |head| if content == Content::Keys { Entry::Key } else { Entry::Head(head) };
        let entry = |listed: Listed| {
            let Listed { name, metadata, expiration } = listed;
            shown(read_head(prefix, metadata, expiration, now), show).map(|entry| (name, entry))
        };
        listed.into_iter().filter_map(entry).collect()
    }
}

fn read(key: &Key, found: Found, now: Timestamp) -> Result<Option<Record>> {
    record::read(found, now, &|| Location::of(NAME, key))
}

fn read_head(
    key: &Key,
    metadata: Option<Value>,
    expiration: Option<u64>,
    now: Timestamp,
) -> Result<Option<Head>> {
    record::read_head(metadata, expiration, now, &|| Location::of(NAME, key))
}

/// Nothing of an expired record, and the error of one that cannot be read.
fn shown<T>(read: Result<Option<T>>, show: impl FnOnce(T) -> Entry) -> Option<Entry> {
    match read {
        Ok(read) => read.map(show),
        Err(error) => Some(Entry::Failed(error)),
    }
}

impl fmt::Debug for WorkersStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkersStore").finish_non_exhaustive()
    }
}

impl Store for WorkersStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES.limits(CAPABILITIES.limits.batches(BATCH_READ, BATCH_WRITE))
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        check_key(NAME, key)?;
        match self.binding.get(key).await? {
            Some(found) => read(key, found, self.clock.now()),
            None => Ok(None),
        }
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        keys.iter().try_for_each(|key| check_key(NAME, key))?;
        let mut found = self.binding.get_many(keys.iter().map(Key::as_str)).await?;
        // One moment for all, as they are one answer.
        let now = self.clock.now();
        let mut records: HashMap<&str, Option<Record>> = HashMap::with_capacity(found.len());
        for key in keys {
            if let Some(found) = found.remove(key.as_str()) {
                records.insert(key.as_str(), read(key, found, now)?);
            }
        }
        Ok(keys.iter().map(|key| records.get(key.as_str()).cloned().flatten()).collect())
    }

    /// By a list, which alone tells when the server forgets the record. No key that begins with this one comes before it.
    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        check_key(NAME, key)?;
        let (listed, _) = self.binding.list(key, None, 1).await?;
        match listed.into_iter().find(|listed| listed.name == key.as_str()) {
            Some(Listed { metadata, expiration, .. }) => {
                read_head(key, metadata, expiration, self.clock.now())
            }
            None => Ok(None),
        }
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.write(&key, Some(record)).await
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        self.write_many(records.into_iter().map(|(key, record)| (key, Some(record))).collect()).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        self.write(&key, None).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        self.write_many(keys.into_iter().map(|key| (key, None)).collect()).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        let after = query.cursor().map(|cursor| cursor.open(query, NAME)).transpose()?;
        // A page of whole records is that of one read, as a Worker has little memory. One read's
        // answer is bounded in bytes by the server, and the list has gone past all of its keys, so
        // the query's own bound cannot be kept.
        let most = if query.content() == Content::Records { BATCH_READ } else { PAGE };
        let (mut listed, next) = self.binding.list(query.prefix(), after, query.limit().min(most)).await?;
        listed.retain(|listed| query.matches(&listed.name));
        let entries = match query.content() {
            Content::Records => self.records(listed, query.prefix()).await?,
            content => self.heads(listed, query.prefix(), content),
        };
        let mut page = ListPage::with_capacity(entries.len());
        for (key, entry) in entries {
            page.push(&key, entry);
        }
        page.cursor = next.map(|position| Cursor::seal(query, &position));
        Ok(page)
    }
}
