//! Stores whose connections need a runtime: they bring their own.

use std::sync::Mutex;
use std::time::Duration;

use kv_runtime::store::{AnyStore, AtomicStore, CloudflareStore, RedisStore};
use kv_runtime::{Error, Kv, KvEntity};

use crate::redis_server::RedisServer;
use crate::{Outcome, everywhere};

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "job", ttl = "1h")]
struct Job {
    #[kv(id)]
    id: u64,
    done: u64,
}

/// A port of this machine that nobody listens on.
fn closed_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    everywhere(|| {
        Box::pin(async {
            let port = closed_port()?;
            for scheme in ["redis", "redis+cluster"] {
                let refused = Kv::connect(&format!("{scheme}://127.0.0.1:{port}")).await;
                assert!(matches!(refused, Err(Error::Store { .. })), "{refused:?}");
            }
            let cloudflare = CloudflareStore::options("account", "namespace", "token")
                .base_url(format!("http://127.0.0.1:{port}/client/v4"))
                .attempts(2)
                .timeout(Duration::from_secs(5))
                .open()?;
            let jobs = Kv::new(cloudflare).collection::<Job>();
            assert!(matches!(jobs.get(1).await, Err(Error::Store { .. })));
            assert!(jobs.put(&Job { id: 1, done: 0 }).await.is_err());
            let page = jobs.list().page().await;
            assert!(matches!(page, Err(Error::Store { .. })), "{page:?}");
            Ok(())
        })
    });
}

async fn some_calls<S: AtomicStore>(kv: Kv<S>) -> Outcome {
    let jobs = kv.collection::<Job>();
    jobs.put_many((1..9).map(|id| Job { id, done: 0 })).await?;
    assert_eq!(jobs.update(1, |job| job.done += 1).await?.done, 1);
    assert!(jobs.touch(1).await? && jobs.exists(1).await?);
    assert_eq!(jobs.get_many([1, 2, 77]).await?.iter().flatten().count(), 2);
    assert_eq!(jobs.list().page().await?.entities.len(), 8);
    Ok(jobs.delete_many(1..9).await?)
}

/// The address of the server, and a store that was connected on whichever executor came first.
static URL: Mutex<String> = Mutex::new(String::new());
static STORE: Mutex<Option<RedisStore>> = Mutex::new(None);

fn url(database: usize) -> Result<String, &'static str> {
    Ok(format!("{}{database}", URL.lock().map_err(|_| "a test panicked")?))
}

#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn a_server_is_used_from_everywhere() {
    let server = RedisServer::start();
    *URL.lock().expect("nobody panics with it") = server.url(0).trim_end_matches('0').to_owned();
    everywhere(|| {
        Box::pin(async {
            some_calls(Kv::connect(&url(0)?).await?).await?;
            some_calls(Kv::new(AnyStore::connect(&url(1)?).await?)).await
        })
    });
    // One store on each executor in turn, when the one that it was connected on is gone.
    everywhere(|| {
        Box::pin(async {
            let known = STORE.lock().map_err(|_| "a test panicked")?.clone();
            let store = match known {
                Some(store) => store,
                None => RedisStore::connect(&url(2)?).await?,
            };
            *STORE.lock().map_err(|_| "a test panicked")? = Some(store.clone());
            some_calls(Kv::new(store)).await
        })
    });
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_runtime_that_is_named_drives_the_connection() -> Outcome {
    let server = RedisServer::start();
    let options = RedisStore::options().runtime(tokio::runtime::Handle::current());
    some_calls(Kv::new(options.connect(&server.url(0)).await?)).await
}
