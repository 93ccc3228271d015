//! A server that does not answer for a while.

use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::key::Key;
use kv_runtime::layer::TimeoutStore;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{RedisStore, StoreExt};

use super::Test;
use super::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_call_does_not_wait_longer_than_it_may() -> Test {
    let server = RedisServer::start_with(&["--enable-debug-command", "yes"]);
    let store = TimeoutStore::new(RedisStore::connect(&server.url(0)).await?, Duration::from_millis(200));
    let key = Key::from_text("a:1");
    store.put(key.clone(), NewRecord::new("1", Metadata::default())).await?;

    let sleeping = std::thread::spawn(move || {
        server.cli(&["DEBUG", "SLEEP", "1.5"]);
        server
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = store.read(&key).await;
    assert!(matches!(&read, Err(error @ Error::TimedOut { .. }) if error.is_retryable()), "{read:?}");
    let write = store.put(key.clone(), NewRecord::new("2", Metadata::default())).await;
    assert!(matches!(&write, Err(Error::OutcomeUnknown { .. })), "{write:?}");

    // The server was asked, and nobody waited: as the error says, the record tells what has become
    // of it.
    let server = sleeping.join().map_err(|_| "the thread panicked")?;
    assert_eq!(store.read(&key).await?.map(|record| record.value.to_vec()), Some(b"2".to_vec()));
    drop(server);
    Ok(())
}
