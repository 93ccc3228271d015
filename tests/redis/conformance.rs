//! The suite that every store passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::Result;
use kv_runtime::conformance::{self, Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::{RedisOptions, RedisStore};

use super::Test;
use super::redis_server::{RedisCluster, RedisServer};

/// Each store has a database of its own, flushed before.
struct Databases {
    server: RedisServer,
    options: RedisOptions,
    /// How a key stands on the server.
    spell: fn(&Key) -> String,
    next: AtomicUsize,
}

impl Databases {
    fn new(options: RedisOptions, spell: fn(&Key) -> String) -> Self {
        Self { server: RedisServer::start(), options, spell, next: AtomicUsize::new(0) }
    }

    fn database(&self) -> String {
        (self.next.fetch_add(1, Ordering::Relaxed) % 16).to_string()
    }
}

impl Harness for Databases {
    type Store = RedisStore;

    async fn store(&self) -> Result<RedisStore> {
        Ok(self.store_holding(&[]).await?.expect("this harness writes past the store"))
    }

    async fn pass(&self, time: Duration) {
        pass(time).await;
    }

    fn ttl(&self) -> Duration {
        TTL
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<RedisStore>> {
        let database = self.database();
        self.server.cli(&["-n", &database, "FLUSHDB"]);
        for (place, (key, foreign)) in records.iter().enumerate() {
            let command = write_foreign(place, (self.spell)(key), *foreign);
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            self.server.cli(&[&["-n", &database], &command[..]].concat());
        }
        let database = database.parse().expect("it is a number");
        self.options.clone().connect(&self.server.url(database)).await.map(Some)
    }
}

/// The command that writes a record as something else does: by turns another Redis type, and an envelope that is cut short.
fn write_foreign(place: usize, key: String, foreign: Foreign) -> Vec<String> {
    let words: [&str; 3] = match foreign {
        Foreign::Plain(value) => ["SET", &key, std::str::from_utf8(value).expect("it is text")],
        _ if place.is_multiple_of(2) => ["RPUSH", &key, "1"],
        _ => {
            let write = r"return redis.call('SET', KEYS[1], '\255K\1')";
            return ["EVAL", write, "1", &key].map(str::to_owned).to_vec();
        }
    };
    words.map(str::to_owned).to_vec()
}

fn tagged(key: &Key) -> String {
    match key.group() {
        Some(group) => format!("{{{}}}:{group}", key.entity_part()),
        None => format!("{{{}}}", key.entity_part()),
    }
}

/// Long enough for a few calls in half of it.
const TTL: Duration = Duration::from_millis(300);

/// The server counts whole milliseconds.
async fn pass(time: Duration) {
    tokio::time::sleep(time + Duration::from_millis(3)).await;
}

fn plain(key: &Key) -> String {
    key.as_str().to_owned()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server() -> Test {
    let report = conformance::atomic_store(&Databases::new(RedisStore::options(), plain)).await;
    println!("{report}");
    Ok(report.require(97)?)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_with_hash_tags() -> Test {
    let options = RedisStore::options().hash_tags(true);
    let report = conformance::atomic_store(&Databases::new(options, tagged)).await;
    println!("{report}");
    Ok(report.require(97)?)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_with_an_index() -> Test {
    let options = RedisStore::options().list_index(true);
    let report = conformance::atomic_store(&Databases::new(options, plain)).await;
    println!("{report}");
    Ok(report.require(97)?)
}

/// One cluster, flushed before each store.
struct Clustered {
    cluster: RedisCluster,
    options: RedisOptions,
}

impl Harness for Clustered {
    type Store = RedisStore;

    async fn store(&self) -> Result<RedisStore> {
        Ok(self.store_holding(&[]).await?.expect("this harness writes past the store"))
    }

    async fn pass(&self, time: Duration) {
        pass(time).await;
    }

    fn ttl(&self) -> Duration {
        TTL
    }

    async fn store_holding(&self, records: &[(Key, Foreign)]) -> Result<Option<RedisStore>> {
        self.cluster.flush();
        for (place, (key, foreign)) in records.iter().enumerate() {
            self.cluster.cli(&write_foreign(place, tagged(key), *foreign));
        }
        self.options.clone().connect(&self.cluster.url()).await.map(Some)
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster() -> Test {
    let clustered = Clustered { cluster: RedisCluster::start(), options: RedisStore::options() };
    let report = conformance::atomic_store(&clustered).await;
    println!("{report}");
    report.require(95)?;
    let options = clustered.options.clone().list_index(true);
    let report = conformance::atomic_store(&Clustered { options, ..clustered }).await;
    println!("{report}");
    Ok(report.require(95)?)
}
