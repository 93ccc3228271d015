//! The suite that every store passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::Result;
use kv_runtime::conformance::{self, Foreign, Harness};
use kv_runtime::key::Key;
use kv_runtime::store::{RedisOptions, RedisStore, StoreExt};

use super::Test;
use super::redis_server::{RedisCluster, RedisServer};

/// Each store has its own database, which is flushed first.
struct Databases {
    server: RedisServer,
    /// User and password, as a URL has them; nobody if empty.
    user: &'static str,
    options: RedisOptions,
    /// How a key stands on the server.
    spell: fn(&Key) -> String,
    next: AtomicUsize,
}

impl Databases {
    fn new(options: RedisOptions, spell: fn(&Key) -> String) -> Self {
        Self { server: RedisServer::start(), user: "", options, spell, next: AtomicUsize::new(0) }
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
        let url = format!("redis://{}127.0.0.1:{}/{database}", self.user, self.server.port());
        self.options.clone().connect(&url).await.map(Some)
    }
}

/// The command that writes a record as something else does: by turns another Redis type, and an
/// envelope that is cut short.
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
const TTL: Duration = Duration::from_millis(500);

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
    let report = conformance::index_store(&Databases::new(RedisStore::options(), plain)).await;
    println!("{report}");
    Ok(report.require(124)?)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_with_hash_tags() -> Test {
    let options = RedisStore::options().hash_tags(true);
    let report = conformance::index_store(&Databases::new(options, tagged)).await;
    println!("{report}");
    Ok(report.require(124)?)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_server_with_an_index() -> Test {
    let options = RedisStore::options().list_index(true);
    let report = conformance::index_store(&Databases::new(options, plain)).await;
    println!("{report}");
    Ok(report.require(124)?)
}

/// A user who may send the commands that kv-runtime/docs/redis.md names, and no other ones.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_user_with_the_documented_permissions() -> Test {
    let page = include_str!("../../kv-runtime/docs/redis.md");
    let (_, needs) = page.split_once(" needs these commands:\n").ok_or("the page says what a user needs")?;
    let (needs, _) = needs.split_once("\n- on a cluster ").ok_or("it says what one server takes first")?;
    let commands: Vec<String> =
        needs.split('`').skip(1).step_by(2).map(|command| format!("+{}", command.to_lowercase())).collect();
    assert!(commands.len() > 15, "{commands:?}");
    let options = RedisStore::options().list_index(true).wait_for_replicas(0, Duration::from_millis(100));
    let databases = Databases { user: "app:s3cret@", ..Databases::new(options, plain) };
    let mut user = vec!["ACL", "SETUSER", "app", "reset", "on", ">s3cret", "~*"];
    user.extend(commands.iter().map(String::as_str));
    assert_eq!(databases.server.cli(&user).trim(), "OK");
    let report = conformance::index_store(&databases).await;
    println!("{report}");
    report.require(124)?;
    let store = databases.store().await?;
    store.put(Key::from_text("user:1"), super::record("1")).await?;
    assert_eq!(store.rebuild_index("user").await?, 1);
    store.delete(Key::from_text("user:1")).await?;
    assert_eq!(store.sweep_index("user").await?.waiting, 1);
    Ok(())
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
    let report = conformance::index_store(&clustered).await;
    println!("{report}");
    report.require(113)?;
    let options = clustered.options.clone().list_index(true);
    let report = conformance::index_store(&Clustered { options, ..clustered }).await;
    println!("{report}");
    Ok(report.require(113)?)
}
