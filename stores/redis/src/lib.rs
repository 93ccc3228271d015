//! Redis, Valkey and their like: one server, a primary behind sentinels, or a cluster.
//!
//! One file a subject: `options` and `url` (how a store is connected), `tls` (whom it trusts),
//! `server` (one server and the connection to it), `cluster` (many), `connection` (either),
//! `spelling` (how a key stands on the server), `wire` (records to arguments, answers to records),
//! `read`, `write` (and how a write is settled whose answer did not come), `commit` (and its
//! script), `lease` (what tells a cache that nobody wrote), `script` (how scripts are sent),
//! `list`, `index` (what lists may go by), `replication` (writes that wait for replicas), `error`.

#[cfg(feature = "cluster")]
mod cluster;
mod commit;
mod connection;
mod error;
mod index;
mod lease;
mod list;
mod options;
mod read;
mod replication;
mod script;
mod server;
mod spelling;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod url;
mod wire;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::{Head, NewRecord, Record, Revision};
use kv_store::store::{
    AtomicStore, Capabilities, Commit, CommitScope, Condition, Expect, FairQueue, Lease, Limits, ListPage,
    ListQuery, Sharing, Store, Write,
};
use kv_store::{Clock, Error, Location, Result};

use connection::{Connection, Nodes};
use index::Index;
use list::Remainders;
use read::Expiries;
use replication::Replicas;
use spelling::Spelling;

pub use index::IndexSweep;
pub use options::RedisOptions;

const NAME: &str = "redis";

/// Records on a server: Redis 6.2 or newer, Valkey or compatible, a primary behind sentinels, or a
/// cluster (feature `redis-cluster`).
///
/// **Records.** A record is one string: the envelope, then the value, written by one `SET`. A
/// string that another program wrote is version 1 in JSON. A read of a key of another Redis type is
/// [`Error::Malformed`](kv_store::Error::Malformed). The server expires records, by its clock, and
/// TTLs are sent as durations. `get`, `get_many` and lists of records omit `expires_at`, which only
/// the server knows. [`head`](Store::head), [`get_with_expiry`](Store::get_with_expiry) and lists
/// of heads return it.
///
/// **Connections.** Clones share one connection, on which any number of calls are under way at a
/// time. If it fails, the next call replaces it. A read without an answer is a retryable error.
/// After a write without an answer the store reads the record once, within the same
/// [deadline](RedisOptions::response_timeout). If the record has the token of this write, the write
/// took place. Otherwise the error is [`Error::OutcomeUnknown`](kv_store::Error::OutcomeUnknown). No
/// write is sent twice.
///
/// **Atomicity.** Conditional commits are one script on the server. On one server a batch is of one
/// moment, and a commit may name any keys. On a cluster that holds for the groups of one entity,
/// which share a slot. A commit over several slots is
/// [`Error::Unsupported`](kv_store::Error::Unsupported).
///
/// **Lists.** A list reads every key of the server (`SCAN`), so it costs what the server holds, not
/// what the entity has. It is in key order. It keeps up to 65,536 keys in memory for the later
/// pages of each of the last four lists; another page reads every key again. With
/// [`RedisOptions::list_index`] a list costs what its prefix has.
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
    /// Connects to the server or cluster at a URL, and fails if there is none. It works on every
    /// executor: a thread of the library drives the connection, unless [`RedisOptions::runtime`]
    /// names a tokio runtime.
    ///
    /// | URL | Connects to |
    /// | --- | --- |
    /// | `redis://[user[:password]@]host[:port][/database]` | one server |
    /// | `redis+unix:///path?db=1&user=...&pass=...` | one server, by its socket |
    /// | `redis+sentinel://[user[:password]@]host[:port][,...]/name[/database]` | the primary that sentinels know as `name` |
    /// | `redis+cluster://[user[:password]@]host[:port][,...]` | a cluster, found by any of its nodes (feature `redis-cluster`) |
    /// | `rediss://`, `rediss+sentinel://`, `rediss+cluster://` | the same over TLS (feature `redis-tls`) |
    ///
    /// `valkey` and `valkeys` mean the same as `redis` and `rediss`. User and password may be
    /// percent-encoded; everything before the last `@` belongs to them.
    ///
    /// The parameters `?list_index=true` and `?hash_tags=true` set the options of the same name.
    /// `?protocol=resp2` speaks RESP2, which is also used if the server refuses `HELLO`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] if the URL is none of these or has another parameter, and
    /// [`Error::Store`] if the server cannot be reached, refuses the user, or is of another kind.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::options().connect(url).await
    }

    /// Returns options for connecting to a server.
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    /// Reads every key of the server, adds missing entries of a prefix such as `user` to the list
    /// index, and returns how many keys the prefix has. So it adopts records that older programs
    /// and others have written. If the index was lost, a list does the same by itself.
    ///
    /// Prefixes with the same first segment, such as `app:user` and `app:cache`, share their index.
    /// Without [`RedisOptions::list_index`] it is [`Error::Unsupported`].
    pub async fn rebuild_index(&self, prefix: &str) -> Result<usize> {
        let (segment, at) = self.indexed_segment(prefix)?;
        self.0.rebuild(segment).await.map_err(|error| error::failed(at, "rebuild the list index", error))
    }

    /// Checks every entry of a prefix in the list index, and drops those whose records have been
    /// gone for [`RedisOptions::index_grace`].
    ///
    /// One call finds all entries without a record, and the first call after the grace drops them.
    /// Call it regularly if records expire or are deleted. Several calls may run at once. It checks
    /// each key of the prefix, 1,024 in one round trip. On a cluster each key needs its own
    /// command.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] without [`RedisOptions::list_index`].
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
        if self.0.connection.is_cluster() {
            // The groups of an entity share a slot.
            return any.limits(Limits::new().commit_scope(CommitScope::OneEntity));
        }
        any.snapshot_reads().atomic_batches()
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.0.lease(keys, life).await
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
        match &self.0.connection.nodes {
            Nodes::Single(_) => self.0.put_all(records).await,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => self.0.put_each(records).await,
        }?;
        self.0.replicated(&keys).await
    }

    async fn replace(&self, key: Key, revision: Revision, record: NewRecord) -> Result<Commit> {
        let unchanged = Condition::new(key.clone(), Expect::Revision(revision));
        self.commit(vec![unchanged], vec![Write::Update(key, record)]).await
    }

    async fn delete(&self, key: Key) -> Result<()> {
        let keys = [key];
        self.0.delete_all(&keys, self.0.connection.deadline()).await?;
        self.0.replicated(&keys).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        match &self.0.connection.nodes {
            Nodes::Single(_) => self.0.delete_all(&keys, self.0.connection.deadline()).await,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => self.0.delete_each(&keys).await,
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
