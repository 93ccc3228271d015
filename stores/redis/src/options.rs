//! How a store is connected.

use std::sync::Arc;
use std::time::Duration;

use kv_store::__private::network;
#[cfg(doc)]
use kv_store::Error;
use kv_store::store::{Capabilities, CommitScope, Limits, Sharing, StoreInfo};
use kv_store::{Clock, Result};
use redis::{ErrorKind, RedisError};
use tokio::runtime::Handle;

use super::NAME;
use super::connection::{Connection, Nodes};
use super::error::{SAYS_SENTINEL, not_connected};
use super::index::Index;
use super::inner::Inner;
use super::key_format::KeyFormat;
use super::list::Remainders;
use super::replicas::Replicas;
use super::server::{Address, Deadline, Dialer, Link, Mode, Sentinels, Target};
use super::store::RedisStore;
use super::tls::Certificates;
use super::url::{Kind, Url};

/// Options for connecting a [`RedisStore`], which [`RedisStore::options`] returns.
///
/// ```no_run
/// use kv_runtime::store::RedisStore;
/// use std::time::Duration;
///
/// # async fn connect() -> kv_runtime::Result<()> {
/// let store = RedisStore::options().response_timeout(Duration::from_secs(1)).connect("redis://127.0.0.1/2").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisOptions {
    clock: Clock,
    hash_tags: bool,
    check_plain_keys: bool,
    list_index: bool,
    index_grace: Duration,
    replicas: Option<Replicas>,
    connection_timeout: Duration,
    response_timeout: Duration,
    certificates: Certificates,
    runtime: Option<Handle>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            hash_tags: false,
            check_plain_keys: true,
            list_index: false,
            index_grace: Duration::from_secs(600),
            replicas: None,
            connection_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            certificates: Certificates::default(),
            runtime: None,
        }
    }
}

impl RedisOptions {
    /// Sets the clock for `createdAt` and for moments that are computed from remaining times. The
    /// default is the system's. The server's clock decides when a record expires.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Stores keys with the entity's part as a hash tag, `{user:123}:profile`, as a cluster needs
    /// them. Use it on a server whose data will move to a cluster.
    ///
    /// A call that finds nothing fails with [`InvalidOptions`](kv_store::Error::InvalidOptions) if
    /// there is a record under the plain key: see [`check_plain_keys`](Self::check_plain_keys).
    /// `Collection::migrate_keys` moves such records.
    pub fn hash_tags(mut self, on: bool) -> Self {
        self.hash_tags = on;
        self
    }

    /// Where keys have hash tags: whether a call that finds nothing looks under the plain key as well.
    /// It does by default, so that no call misses a record that another program, or a store without
    /// hash tags, wrote, and none makes a second one beside it. Such a call fails and names both
    /// keys. A list by `SCAN` returns such records as failed. Switch it off once no program writes
    /// plain keys.
    ///
    /// What finds its record costs nothing more. A read, a `put` or a `delete` that finds nothing
    /// takes one more round trip, as does every batch of writes. An `insert` takes one more on a
    /// cluster, where the two keys are on different nodes. A record that another program writes under
    /// the plain key after the look counts as written after the call. A user of the server needs
    /// permission for the plain keys.
    pub fn check_plain_keys(mut self, on: bool) -> Self {
        self.check_plain_keys = on;
        self
    }

    /// Keeps an index of the keys, so that a list costs what its prefix has and not what the server
    /// holds. A write adds to it in the same round trip, or on a cluster in one before.
    ///
    /// Every program that writes must set this. Records of other programs are listed only after the
    /// next [`rebuild_index`](RedisStore::rebuild_index). Entries of records that were deleted or
    /// have expired stay, and slow lists down, until [`sweep_index`](RedisStore::sweep_index) is
    /// called. On a cluster an entry and its record are on different nodes. A failover that loses
    /// the last writes of one node may lose an entry whose record exists, so rebuild the index
    /// after a failover.
    pub fn list_index(mut self, on: bool) -> Self {
        self.list_index = on;
        self
    }

    /// Sets how long an entry of the index is without a record before a sweep drops it. The default
    /// is 10 minutes. It must be longer than any writer takes for one write.
    pub fn index_grace(mut self, grace: Duration) -> Self {
        self.index_grace = grace;
        self
    }

    /// Acknowledges a write only once so many replicas have it, by `WAIT`. Without this a primary
    /// that dies takes with it what it has acknowledged and not yet replicated.
    ///
    /// If fewer replicas confirm it `within` the time, which must be shorter than
    /// [`RedisOptions::response_timeout`], the error is
    /// [`OutcomeUnknown`](kv_store::Error::OutcomeUnknown): the primary has the write. Each write
    /// takes one more round trip and a small write that expires at once. The other calls on this
    /// connection wait meanwhile, so spread tasks over several stores. It narrows the window and
    /// does not close it: a replica that confirms a write may be lost with its primary, and one
    /// that has not may be the one that takes over.
    pub fn wait_for_replicas(mut self, replicas: usize, within: Duration) -> Self {
        self.replicas = Some(Replicas { wanted: replicas, within });
        self
    }

    /// Drives the connection by this tokio runtime, in the place of a thread of the library's.
    /// Where that runs the callers, too, each call saves the way between two threads: calls of 64
    /// tasks took about two thirds of the time on a busy machine with two cores.
    ///
    /// The runtime must have time and IO ([`enable_all`](tokio::runtime::Builder::enable_all)):
    /// without them tokio panics. When it ends, the store's calls fail. Calls that block a thread
    /// of this runtime while they wait may wait for themselves.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// How long one attempt to connect may take, greeting included; 2 seconds by default. The
    /// attempt goes on if the call that waits for it gives up.
    pub fn connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// How long a call may take; 5 seconds by default. It bounds everything together: waiting for a
    /// connection, the answer, redirections on a cluster, and the look that settles a lost write. A
    /// read then fails with a retryable error, and a write with
    /// [`OutcomeUnknown`](kv_store::Error::OutcomeUnknown) if it was sent. A list makes several such
    /// calls.
    ///
    /// A connection on which two calls in a row had no answer in time is replaced.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Trusts a server by TLS whose certificate comes from one of these authorities, given as PEM,
    /// and no other one. Without this the system's are trusted, or those of the file that the
    /// environment variable `SSL_CERT_FILE` names, also by [`Kv::connect`](https://docs.rs/kv-runtime/latest/kv_runtime/struct.Kv.html#method.connect).
    ///
    /// What cannot be read as certificates fails when the store connects, as does a URL without
    /// TLS. Those with TLS are `rediss://`, `rediss+sentinel://` and `rediss+cluster://`.
    ///
    /// ```no_run
    /// use kv_runtime::store::RedisStore;
    ///
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = std::fs::read("/etc/redis/ca.crt")?;
    /// let store = RedisStore::options().root_certificates(authority).connect("rediss://redis.internal").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.trust(pem.into());
        self
    }

    /// The certificate that this client shows to a server which asks for one, with those that lead
    /// to its authority, and its key; both as PEM. A server asks unless its `tls-auth-clients` is
    /// `no` or `optional`. The key is in no error and no `Debug`.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificates.show(pem.into(), key.into());
        self
    }

    /// Connects as [`RedisStore::connect`] does.
    pub async fn connect(self, url: &str) -> Result<RedisStore> {
        let url = Url::parse(url, self.certificates.are_given())?;
        let (address, by_tls) = (url.display(), url.by_tls);
        let (hash_tags, list_index) = (url.parameters.hash_tags, url.parameters.list_index);
        let connection = self.connection(url).await;
        let connection = connection.map_err(|error| not_connected(address, error, by_tls))?;
        let hash_tags = hash_tags.unwrap_or(self.hash_tags) || connection.is_cluster();
        let spelling = if hash_tags { KeyFormat::HashTags } else { KeyFormat::Plain };
        let checks_plain_keys = hash_tags && self.check_plain_keys;
        let remainders = Remainders::default();
        let index = list_index.unwrap_or(self.list_index).then(|| Index::new(self.index_grace));
        let capabilities = Capabilities::new(Sharing::Shared)
            .compare_and_swap()
            .ordered()
            .cheap_metadata()
            .plain_records()
            .plain_expiry()
            .foreign_keys(!hash_tags && index.is_none());
        let capabilities = match connection.is_cluster() {
            // What has one hash tag shares a slot.
            true => capabilities.limits(Limits::new().commit_scope(CommitScope::OneShard)),
            false => capabilities.snapshot_reads().atomic_batches(),
        };
        let capabilities = capabilities.indexes();
        let capabilities = if hash_tags { capabilities.indexes_by_shard() } else { capabilities };
        let info = StoreInfo::new(NAME, capabilities).with_clock(self.clock);
        let replicas = self.replicas;
        Ok(RedisStore(Arc::new(Inner {
            info,
            connection,
            spelling,
            checks_plain_keys,
            index,
            replicas,
            remainders,
        })))
    }

    async fn connection(&self, url: Url) -> Result<Connection, RedisError> {
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => network::runtime()?,
        };
        let nodes = network::within(&runtime, self.nodes(url, &runtime)).await?;
        Ok(Connection { nodes, timeout: self.response_timeout, runtime })
    }

    async fn nodes(&self, url: Url, runtime: &Handle) -> Result<Nodes, RedisError> {
        if url.is_insecure {
            let what = "certificates are always verified, and `#insecure` is not known";
            return Err(RedisError::from((ErrorKind::InvalidClientConfig, what)));
        }
        let tls = if url.by_tls { Some(self.certificates.connector()?) } else { None };
        // A cluster that does not get an answer asks another node at once, and a single server is
        // the only one.
        let timeouts = if url.kind == Kind::Cluster { 1 } else { 2 };
        let timeout = self.connection_timeout;
        let runtime = runtime.clone();
        let dialer = Arc::new(Dialer { login: url.login, tls, timeout, timeouts, runtime });
        Ok(match url.kind {
            Kind::Server => {
                let [address] = <[Address; 1]>::try_from(url.addresses).map_err(|_| no_address())?;
                connected(Link::new(Target::Server(address), dialer), timeout).await?
            }
            Kind::Sentinels(name) => {
                let sentinels = Sentinels::new(name, url.addresses);
                connected(Link::new(Target::Primary(sentinels), dialer), timeout).await?
            }
            #[cfg(feature = "cluster")]
            Kind::Cluster => Nodes::Cluster(super::cluster::Cluster::connect(url.addresses, dialer).await?),
            #[cfg(not(feature = "cluster"))]
            Kind::Cluster => return Err(no_address()),
        })
    }
}

/// The link once it has a connection.
async fn connected(link: Link, timeout: Duration) -> Result<Nodes, RedisError> {
    // Its tries end by themselves.
    link.peer(Deadline::never()).await.map_err(|fault| fault.error)?;
    let mode = link.mode(Deadline::after(timeout)).await.map_err(|fault| fault.error)?;
    if mode == Some(Mode::Sentinel) {
        return Err(RedisError::from((ErrorKind::InvalidClientConfig, SAYS_SENTINEL)));
    }
    Ok(Nodes::Single(link))
}

fn no_address() -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, "the URL has no host"))
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
}
