//! The store: what its calls ask of the connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kv_store::key::Key;
use kv_store::record::Record;
use kv_store::store::{
    AtomicStore, Batch, Batches, ClaimQuery, Claimed, Commit, Condition, Cursor, EntryPage, EntryQuery,
    EntryRef, EntryShards, GetOptions, IndexStore, Lease, ListQuery, Store, StoreInfo, Write,
};
use kv_store::{Error, Location, MaybeSend, Result};

use crate::NAME;
use crate::connection::Nodes;
use crate::error::failed;
use crate::index::IndexSweep;
use crate::inner::Inner;
use crate::read::Expiries;

/// Records on a server: Redis 6.2 or newer, Valkey or compatible, a primary behind sentinels, or a
/// cluster (feature `redis-cluster`).
///
/// **Records.** A record is one string: the envelope, then the value, written by one `SET`. A
/// string that another program wrote is version 1 in JSON. A read of a key of another Redis type is
/// [`Error::Malformed`](kv_store::Error::Malformed). The server expires records, by its clock, and
/// TTLs are sent as durations. `get`, `get_many` and lists of records omit `expires_at`, which only
/// the server knows. Reads that [ask for it](GetOptions::with_expiry) and lists
/// of heads return it.
///
/// **Connections.** Clones share one connection, on which any number of calls are under way at a
/// time. If it fails, the next call replaces it. A read without an answer is a retryable error.
/// After a write without an answer the store reads the record once, within the same
/// [deadline](crate::RedisOptions::response_timeout). If the record has the token of this write, the write
/// took place. Otherwise the error is [`Error::OutcomeUnknown`](kv_store::Error::OutcomeUnknown). No
/// write is sent twice.
///
/// **Atomicity.** Conditional commits are one script on the server. On one server a batch is of one
/// moment, and a commit may name any keys. On a cluster that holds for the groups of one entity, and
/// commits for all entities under one [shard id](Key::shard), which share a slot. A commit of other
/// keys is [`Error::NotTogether`](kv_store::Error::NotTogether).
///
/// **Lists.** A list reads every key of the server (`SCAN`), so it costs what the server holds, not
/// what the entity has. It is in key order. It keeps up to 65,536 keys in memory for the later
/// pages of each of the last four lists; another page reads every key again. With
/// [`RedisOptions::list_index`] a list costs what its prefix has.
///
/// **Indexes.** It keeps the indexes of entities. The entries of an index are one sorted set, and a
/// page of them is one command. They must not be evicted, so the server needs the policy
/// `noeviction`. With hash tags there is a set for each shard, if the index begins with the shard id.
/// A cluster takes only such indexes: others are
/// [`Error::IndexAcrossShards`](kv_store::Error::IndexAcrossShards) before anything is sent.
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
///
/// [`RedisOptions::list_index`]: crate::RedisOptions::list_index
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

impl RedisStore {
    /// Reads every key of the server, adds missing entries of a prefix such as `user` to the list
    /// index, and returns how many keys the prefix has. So it adopts records that older programs
    /// and others have written. If the index was lost, a list does the same by itself.
    ///
    /// Prefixes with the same first segment, such as `app:user` and `app:cache`, share their index.
    /// Without [`RedisOptions::list_index`] it is [`Error::Unsupported`].
    ///
    /// [`RedisOptions::list_index`]: crate::RedisOptions::list_index
    pub async fn rebuild_index(&self, prefix: &str) -> Result<usize> {
        let (segment, at) = self.indexed_segment(prefix)?;
        self.0.rebuild(segment).await.map_err(|error| failed(at, "rebuild the list index", error))
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
    ///
    /// [`RedisOptions::list_index`]: crate::RedisOptions::list_index
    /// [`RedisOptions::index_grace`]: crate::RedisOptions::index_grace
    pub async fn sweep_index(&self, prefix: &str) -> Result<IndexSweep> {
        let (segment, at) = self.indexed_segment(prefix)?;
        let grace = self.0.index.as_ref().map(|index| index.grace).unwrap_or_default();
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.0.sweep(segment, grace).await.map_err(|error| failed(at, "sweep the list index", error))
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

impl RedisStore {
    async fn put_many(&self, records: Vec<(Key, kv_store::record::NewRecord)>) -> Result<()> {
        let replicated_by = self.0.replicated_by();
        let keys: Vec<Key> = match replicated_by {
            Some(_) => records.iter().map(|(key, _)| key.clone()).collect(),
            None => Vec::new(),
        };
        let by = self.0.connection.deadline();
        self.0.none_is_beside(records.iter().map(|(key, _)| key), by).await?;
        match &self.0.connection.nodes {
            Nodes::Single(_) => self.0.put_all(records, by).await,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => self.0.put_each(records, by).await,
        }?;
        self.0.replicated(&keys, replicated_by).await
    }

    async fn delete_many(&self, keys: Vec<Key>) -> Result<()> {
        let replicated_by = self.0.replicated_by();
        let by = self.0.connection.deadline();
        self.0.none_is_beside(keys.iter(), by).await?;
        match &self.0.connection.nodes {
            Nodes::Single(_) => self.0.delete_all(&keys, by).await,
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => self.0.delete_each(&keys, by).await,
        }?;
        self.0.replicated(&keys, replicated_by).await
    }

    /// Writes of different kinds: one script on a single server. On a cluster, which has no script
    /// over several slots, one after the other.
    async fn write_mixed(&self, writes: Vec<Write>) -> Result<()> {
        match &self.0.connection.nodes {
            Nodes::Single(_) => self.commit(Vec::new(), writes.into()).await.map(drop),
            #[cfg(feature = "cluster")]
            Nodes::Cluster(_) => {
                Batch::from(writes).one_by_one(&self.0.info, |write| self.write_one(write)).await
            }
        }
    }

    async fn write_one(&self, write: Write) -> Result<()> {
        let replicated_by = self.0.replicated_by();
        match write {
            Write::Put(key, record) => {
                self.0.put(&key, record).await?;
                self.0.replicated(std::slice::from_ref(&key), replicated_by).await
            }
            Write::Delete(key) => {
                self.0.delete(&key).await?;
                self.0.replicated(&[key], replicated_by).await
            }
            write => self.commit(Vec::new(), write.into()).await.map(drop),
        }
    }
}

impl Store for RedisStore {
    fn info(&self) -> &StoreInfo {
        &self.0.info
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Record>> {
        let (keys, by) = (std::slice::from_ref(key), self.0.connection.deadline());
        let record = match options {
            GetOptions { value: false, .. } => self.0.head(key, by).await?.map(Record::from),
            GetOptions { expiry: false, .. } => self.0.get_by(key, by).await?,
            _ => self.0.get_many_by(keys, Expiries::Included, by).await?.pop().flatten(),
        };
        if record.is_none() && !options.moves && self.0.may_be_hidden(key) {
            // Boxed, as it is rare, and every future of a read would have its size.
            Box::pin(self.0.none_is_hidden(keys, std::slice::from_ref(&record), by)).await?;
        }
        Ok(record)
    }

    async fn get_many(&self, keys: &[Key], options: GetOptions) -> Result<Vec<Option<Record>>> {
        let expiries = if options.expiry { Expiries::Included } else { Expiries::Omitted };
        let by = self.0.connection.deadline();
        let records = self.0.get_many_by(keys, expiries, by).await?;
        if !options.moves {
            Box::pin(self.0.none_is_hidden(keys, &records, by)).await?;
        }
        Ok(records)
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        match batch.into_kind() {
            Batches::One(write) => self.write_one(write).await,
            Batches::Puts(records) => self.put_many(records).await,
            Batches::Deletes(keys) => self.delete_many(keys).await,
            Batches::Mixed(writes) => self.write_mixed(writes).await,
        }
    }

    async fn commit(&self, conditions: Vec<Condition>, batch: Batch) -> Result<Commit> {
        let replicated_by = self.0.replicated_by();
        let first = replicated_by.and_then(|_| batch.first()).map(|write| write.key().clone());
        let commit = self.0.commit(conditions, batch.into_vec()).await?;
        if let (Commit::Done, Some(key)) = (commit, first) {
            // All keys of a commit lie on one slot.
            self.0.replicated(&[key], replicated_by).await?;
        }
        Ok(commit)
    }

    async fn list(
        &self,
        query: &ListQuery,
        each: impl FnMut(&str, EntryRef<'_>) + MaybeSend,
    ) -> Result<Option<Cursor>> {
        Ok(self.0.list(query).await?.lend(each).await)
    }

    async fn lease(&self, keys: &[Key], life: Duration) -> Result<Vec<Lease>> {
        self.0.lease(keys, life).await
    }
}

impl AtomicStore for RedisStore {}

impl IndexStore for RedisStore {
    async fn entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.0.page_of_entries(query).await
    }

    async fn entry_shards(&self, index: &Key, after: Option<&Key>) -> Result<EntryShards> {
        self.0.entry_shards(index, after).await
    }

    async fn claim(&self, query: &ClaimQuery) -> Result<Claimed> {
        self.0.claim(query).await
    }
}
