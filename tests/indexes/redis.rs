//! Indexes on a Redis server.

use std::time::Duration;

use kv_runtime::store::{AnyStore, RedisStore};
use kv_runtime::{Kv, layer::NamespaceStore};
use tokio::time::{sleep, timeout};

use crate::model::{self, LONGEST_TTL, Run, World, batches};
use crate::proxy::{Fault, Proxy};
use crate::races::one_owner;
use crate::redis_server::RedisServer;
use crate::stores::works;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A server behind a proxy that loses requests and answers.
struct Real<'a>(&'a Proxy);

impl World for Real<'_> {
    const UNIT: Duration = Duration::from_millis(1);

    async fn pass(&self, units: u32) {
        sleep(Self::UNIT * units).await;
    }

    fn lose(&self, is_answer: bool) {
        self.0.arm(if is_answer { Fault::CutReply(2, Box::new(|| ())) } else { Fault::LoseRequest });
    }

    async fn come_to_rest(&self) {
        self.0.disarm();
        // The server counts whole milliseconds.
        sleep(Self::UNIT * (LONGEST_TTL + 3)).await;
    }

    async fn drop_on_its_way(&self, call: impl Future<Output = model::Outcome>) -> model::Outcome {
        timeout(Duration::from_micros(fastrand::u64(..1_500)), call).await.unwrap_or(Ok(()))
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_indexes_equal_a_scan_on_redis() -> Outcome {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    for (seed, parameters) in ["", "?list_index=true", "?hash_tags=true"].into_iter().enumerate() {
        println!("seed {seed}");
        server.cli(&["FLUSHALL"]);
        let store = RedisStore::connect(&format!("{}{parameters}", proxy.url())).await?;
        Run::new(store, Real(&proxy), seed as u64).run(batches(10)).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn one_of_64_writers_gets_the_value_on_redis() -> Outcome {
    let server = RedisServer::start();
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?);
    let expire = |id: u64| {
        assert_eq!(server.cli(&["PEXPIRE", &format!("user:{id}"), "0"]).trim(), "1");
    };
    one_owner(kv, expire, std::env::var("KV_INDEX_ROUNDS").map_or(Ok(20), |rounds| rounds.parse())?).await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn indexes_work_on_redis_however_it_is_connected() -> Outcome {
    let server = RedisServer::start();
    let sentinel = RedisServer::start_sentinel(server.port());
    works(RedisStore::connect(&server.url(0)).await?).await?;
    works(RedisStore::options().hash_tags(true).connect(&server.url(1)).await?).await?;
    works(RedisStore::options().list_index(true).connect(&server.url(2)).await?).await?;
    works(AnyStore::connect(&server.url(3)).await?).await?;
    works(AnyStore::connect(&format!("redis+sentinel://127.0.0.1:{}/mymaster/4", sentinel.port())).await?)
        .await?;
    for (database, tenant) in [(5, "acme: 100 %"), (6, "a!b!c"), (7, "{#index:user!by_city!}")] {
        for parameters in ["", "?list_index=true", "?hash_tags=true"] {
            server.cli(&["-n", &database.to_string(), "FLUSHDB"]);
            let store = RedisStore::connect(&format!("{}{parameters}", server.url(database))).await?;
            works(NamespaceStore::new(store, tenant)).await?;
        }
    }
    Ok(())
}
