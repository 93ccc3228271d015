//! Redis, Valkey and their like, stand-alone or as a cluster, on the [`redis`](https://docs.rs/redis) crate.
//!
//! One file a subject: `options` and `url` (how a store is connected), `tls` (whom it trusts), `connection` (one server, or `cluster`), `spelling` (how a key stands
//! on the server), `wire` (records to arguments, answers to records), `read`, `write` (and how a write is settled whose answer did
//! not come), `commit` (and its script), `list`, `index` (what lists may go by),
//! `replication` (writes that wait for replicas), `error`.

#[cfg(feature = "redis-cluster")]
mod cluster;
mod commit;
mod connection;
mod error;
mod index;
mod list;
mod options;
mod read;
mod replication;
mod spelling;
#[cfg_attr(not(feature = "redis-tls"), path = "no_tls.rs")]
mod tls;
mod url;
mod wire;
mod write;

use std::fmt;
use std::sync::Arc;

use super::{
    AtomicStore, Capabilities, Commit, Condition, Expect, FairQueue, ListPage, ListQuery, Sharing, Store,
    Write,
};
use crate::clock::Clock;
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::{Head, NewRecord, Record, Revision};
use connection::Connection;
use index::Index;
use list::Remainders;
use read::Expiries;
use replication::Replicas;
use spelling::Spelling;

pub use index::IndexSweep;
pub use options::RedisOptions;

const NAME: &str = "redis";

/// Records on a server of Redis 6.2 or newer, Valkey or their like, or on their clusters (feature `redis-cluster`).
///
/// A record is one string: the envelope and the value behind it, written by one `SET`. A string that another program wrote is
/// version 1 in JSON; a key of another Redis type is [`Error::Malformed`](crate::Error::Malformed) to reads. Conditional commits are one script on
/// the server. Expiry is the server's business, by its clock; TTLs go to it as durations. `get`, `get_many` and lists of records leave
/// `expires_at` out, which only the server knows; [`head`](Store::head), [`get_with_expiry`](Store::get_with_expiry) and its like, and lists of heads tell it.
///
/// Clones share one connection, on which any number of calls are under way at a time. It is made anew when it breaks. A read
/// whose answer did not come is a retryable error. Of such a write the record is read again: the token of this very write there means
/// that it took place, and otherwise the error is [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown). No write is sent twice.
///
/// On one server batches are of one moment and commits may name any keys. On a cluster that holds for the groups of one entity, which
/// lie together; a commit over several entities is [`Error::Unsupported`](crate::Error::Unsupported) unless they share a slot.
///
/// A list looks at every key of the server (`SCAN`), and so costs what the server holds, not what the entity has. It is in key order, and
/// keeps up to 65,536 keys in memory for the later pages of each of the last four lists; a page that finds none there looks at every key again. With
/// [`RedisOptions::list_index`] it costs what its prefix has.
///
/// ```no_run
/// use kv_runtime::Kv;
/// use kv_runtime::store::RedisStore;
///
/// # async fn connect() -> kv_runtime::Result<()> {
/// let kv = Kv::new(RedisStore::connect("redis://user:password@127.0.0.1:6379/0").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    connection: Connection,
    spelling: Spelling,
    clock: Clock,
    index: Option<Index>,
    replicas: Option<Replicas>,
    remainders: Remainders,
    queue: FairQueue,
}

impl RedisStore {
    /// Connects to the server or cluster at a URL, and fails if there is none. It works on every executor: the connection is driven by a
    /// thread of the library's, unless [`RedisOptions::runtime`] names a tokio runtime.
    ///
    /// | URL | what is connected |
    /// | --- | --- |
    /// | `redis://[user[:password]@]host[:port][/database]` | one server |
    /// | `redis+unix:///path?db=1&user=...&pass=...` | one server by its socket |
    /// | `redis+cluster://[user[:password]@]host[:port][,host[:port]...]` | a cluster, found by any of its nodes (feature `redis-cluster`) |
    /// | `rediss://`, `rediss+cluster://` | the same by TLS (feature `redis-tls`); [`RedisOptions::root_certificates`] trusts an authority of one's own |
    ///
    /// The parameters `?list_index=true` and `?hash_tags=true` switch on what [`RedisOptions`] calls so, and go before it. Any other one is
    /// [`Error::InvalidUrl`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::options().connect(url).await
    }

    /// How to connect otherwise than [`RedisStore::connect`] does.
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    /// Looks at every key of the server, adds what the list index lacks of a prefix such as `user`, and tells how many keys it has. It adopts what
    /// older programs and others have written. A list does the same by itself where the index was lost.
    ///
    /// Prefixes that share their first segment, as `app:user` and `app:cache` do, share their index. Without
    /// [`RedisOptions::list_index`] it is [`Error::Unsupported`].
    pub async fn rebuild_index(&self, prefix: &str) -> Result<usize> {
        let (segment, at) = self.indexed_segment(prefix)?;
        let rebuilt = self.0.rebuild(segment, false).await;
        Ok(rebuilt.map_err(|error| error::failed(at, "rebuild the list index", error))?.unwrap_or_default())
    }

    /// Looks at every entry of a prefix in the list index, and drops those whose records have been gone for
    /// [`RedisOptions::index_grace`]. It takes two calls at least: the first finds them, one after the grace drops them. An application whose records expire or are deleted calls it
    /// now and then.
    pub async fn sweep_index(&self, prefix: &str) -> Result<IndexSweep> {
        let (segment, at) = self.indexed_segment(prefix)?;
        let grace = self.0.index.as_ref().map(|index| index.grace).unwrap_or_default();
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.0.sweep(segment, grace).await.map_err(|error| error::failed(at, "sweep the list index", error))
    }

    fn indexed_segment<'p>(&self, prefix: &'p str) -> Result<(&'p str, Box<Location>)> {
        let at = Location::of(NAME, &Key::from_text(prefix));
        if self.0.index.is_none() {
            let capability = "a list index, which `RedisOptions::list_index` switches on";
            return Err(Error::Unsupported { at, capability });
        }
        Ok((prefix.split_once(':').map_or(prefix, |(segment, _)| segment), at))
    }
}

/// Shows neither address nor user.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = self.0.connection.is_cluster();
        f.debug_struct("RedisStore").field("cluster", &cluster).finish_non_exhaustive()
    }
}

impl Store for RedisStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn fair_queue(&self) -> Option<&FairQueue> {
        Some(&self.0.queue)
    }

    fn capabilities(&self) -> Capabilities {
        let any = Capabilities::new(Sharing::Shared).compare_and_swap().ordered().cheap_metadata();
        if self.0.connection.is_cluster() { any } else { any.snapshot_reads().atomic_batches() }
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.0.get(key).await
    }

    async fn get_with_expiry(&self, key: &Key) -> Result<Option<Record>> {
        Ok(self.0.get_many(std::slice::from_ref(key), Expiries::Told).await?.pop().flatten())
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.0.get_many(keys, Expiries::LeftOut).await
    }

    async fn get_many_with_expiry(&self, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        self.0.get_many(keys, Expiries::Told).await
    }

    async fn head(&self, key: &Key) -> Result<Option<Head>> {
        self.0.head(key).await
    }

    async fn put(&self, key: Key, record: NewRecord) -> Result<()> {
        self.0.put(&key, record).await?;
        self.0.replicated(std::slice::from_ref(&key)).await
    }

    async fn put_many(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let keys: Vec<Key> = match self.0.replicas {
            Some(_) => records.iter().map(|(key, _)| key.clone()).collect(),
            None => Vec::new(),
        };
        match &self.0.connection {
            Connection::Single(..) => self.0.put_all(records).await,
            #[cfg(feature = "redis-cluster")]
            Connection::Cluster(..) => self.0.put_each(records).await,
        }?;
        self.0.replicated(&keys).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], vec![Write::Update(key, record)]).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        let keys = [key];
        self.0.delete_all(&keys).await?;
        self.0.replicated(&keys).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        match &self.0.connection {
            Connection::Single(..) => self.0.delete_all(&keys).await,
            #[cfg(feature = "redis-cluster")]
            Connection::Cluster(..) => self.0.delete_each(&keys).await,
        }?;
        self.0.replicated(&keys).await
    }

    async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.0.list(query).await
    }
}

impl AtomicStore for RedisStore {
    async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let first = self.0.replicas.and_then(|_| writes.first()).map(|write| write.key().clone());
        let commit = self.0.commit(conditions, writes).await?;
        if let (Commit::Done, Some(key)) = (commit, first) {
            // All keys of a commit lie on one slot.
            self.0.replicated(&[key]).await?;
        }
        Ok(commit)
    }
}
