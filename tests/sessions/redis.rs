//! Sessions that two processes share through a server of Redis.

use std::time::{Duration, SystemTime};

use kv_runtime::store::RedisStore;
use kv_runtime::tower_sessions::KvSessionStore;
use kv_runtime::{Clock, Kv};
use serde_json::json;
use tokio::time::sleep;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::redis_server::RedisServer;
use crate::{HOUR, Outcome, SECOND};

/// Much longer than any pause below on a busy machine.
const IDLE: Duration = Duration::from_secs(3);

async fn node(server: &RedisServer) -> Outcome<KvSessionStore<RedisStore>> {
    let kv = Kv::new(RedisStore::connect(&server.url(0)).await?);
    Ok(KvSessionStore::new(&kv).with_idle_timeout(IDLE).with_touch_interval(IDLE / 6))
}

async fn logged_in(node: &KvSessionStore<RedisStore>) -> Outcome<Record> {
    let expiry_date = SystemTime::from(Clock::system().now().saturating_add(HOUR)).into();
    let data = [("user".to_owned(), json!(7))].into();
    let mut record = Record { id: Id::default(), data, expiry_date };
    node.create(&mut record).await?;
    Ok(record)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn two_nodes_share_sessions() -> Outcome {
    let server = RedisServer::start();
    let (one, two) = (node(&server).await?, node(&server).await?);
    let mut session = logged_in(&one).await?;
    let ttl = |id: Id| server.cli(&["PTTL", &format!("tower-session:{id}")]).trim().parse::<i64>();
    assert!((1..=3_000).contains(&ttl(session.id)?), "{}", ttl(session.id)?);

    session.data.insert("cart".to_owned(), json!(["tea"]));
    two.save(&session).await?;
    assert_eq!(one.load(&session.id).await?.map(|it| it.data).as_ref(), Some(&session.data));

    // In use for longer than the timeout, on either node; then left alone.
    for node in [&one, &two, &one, &two] {
        sleep(SECOND).await;
        assert!(node.load(&session.id).await?.is_some());
    }
    sleep(IDLE + SECOND / 10).await;
    assert_eq!(one.load(&session.id).await?, None);
    two.save(&session).await?;
    assert_eq!(two.load(&session.id).await?, None);

    // A log-out on one node, while the other has the session in its hands.
    let mut session = logged_in(&one).await?;
    assert!(two.load(&session.id).await?.is_some());
    one.delete(&session.id).await?;
    session.data.clear();
    two.save(&session).await?;
    assert_eq!(two.load(&session.id).await?, None);
    assert_eq!(server.cli(&["DBSIZE"]).trim(), "0");
    Ok(())
}

/// Reads, the sliding of sessions and log-outs go on when the server's memory is full.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_full_server_logs_nobody_out() -> Outcome {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let node = node(&server).await?;
    let session = logged_in(&node).await?;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(logged_in(&node).await.is_err(), "there is no room");
    let ttl = || server.cli(&["PTTL", &format!("tower-session:{}", session.id)]).trim().parse::<i64>();
    sleep(SECOND).await;
    let before = ttl()?;
    assert_eq!(node.load(&session.id).await?.map(|it| it.data).as_ref(), Some(&session.data));
    assert!(ttl()? > before, "it slides");
    node.delete(&session.id).await?;
    assert_eq!(node.load(&session.id).await?, None);
    Ok(())
}
