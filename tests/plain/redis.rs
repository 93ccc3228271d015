//! Plain records on Redis, where other programs write them at the same time.

use std::process::Command;
use std::time::Duration;

use kv_runtime::store::RedisStore;
use kv_runtime::{Kv, KvEntity};

use super::Outcome;
use super::redis_server::RedisServer;

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "counter", plain)]
struct Counter {
    #[kv(id)]
    id: String,
    ours: u64,
}

async fn connected(server: &RedisServer) -> Result<Kv<RedisStore>, kv_runtime::Error> {
    Ok(Kv::new(RedisStore::connect(&server.url(0)).await?))
}

/// Another program, which counts `theirs`: by a script, so that its own writes are not lost either.
const COUNT: &str = "for i = 1, tonumber(ARGV[1]) do
  local counter = cjson.decode(redis.call('GET', KEYS[1]))
  counter.theirs = counter.theirs + 1
  redis.call('SET', KEYS[1], cjson.encode(counter), 'KEEPTTL')
end";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn nothing_of_two_programs_is_lost() -> Outcome {
    const EACH: u64 = 100;
    let server = RedisServer::start();
    server.cli(&["SET", "counter:a", r#"{"ours":0,"theirs":0}"#]);
    let kv = connected(&server).await?;
    let port = server.port().to_string();
    let other = std::thread::spawn(move || {
        for _ in 0..EACH {
            let arguments = ["-p", &port, "EVAL", COUNT, "1", "counter:a", "2"];
            let done = Command::new("redis-cli").args(arguments).output();
            assert!(done.is_ok_and(|output| output.status.success()));
        }
    });
    let updates = (0..4).map(|_| {
        let counters = kv.collection::<Counter>();
        tokio::spawn(async move {
            for _ in 0..EACH {
                counters.update("a", |counter| counter.ours += 1).await?;
            }
            Ok::<_, kv_runtime::Error>(())
        })
    });
    for update in updates.collect::<Vec<_>>() {
        update.await??;
    }
    other.join().expect("the other program ended");
    let stored: serde_json::Value = serde_json::from_str(&server.cli(&["GET", "counter:a"]))?;
    assert_eq!(stored, serde_json::json!({ "ours": 4 * EACH, "theirs": 2 * EACH }));
    Ok(())
}

#[derive(KvEntity)]
#[kv(prefix = "session", plain, ttl = "30m")]
struct Session {
    #[kv(id)]
    id: String,
    user: u64,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_value_is_json_and_the_expiry_is_the_servers() -> Outcome {
    let server = RedisServer::start();
    let kv = connected(&server).await?;
    let sessions = kv.collection::<Session>();
    let get = || server.cli(&["GET", "session:s"]).trim_end().to_owned();
    let ttl = || server.cli(&["TTL", "session:s"]).trim().parse::<i64>().unwrap_or_default();
    let session = |user| Session { id: "s".to_owned(), user };
    sessions.put(&session(1)).await?;
    assert_eq!((get().as_str(), (1_790..=1_800).contains(&ttl())), (r#"{"user":1}"#, true));
    server.cli(&["EXPIRE", "session:s", "100"]);
    sessions.update("s", |it| it.user = 2).await?;
    assert_eq!((get().as_str(), (90..=100).contains(&ttl())), (r#"{"user":2}"#, true));
    assert!(sessions.touch("s").await? && (1_790..=1_800).contains(&ttl()));
    sessions.delete("s").await?;
    sessions.with_ttl(Duration::from_secs(50)).insert(&session(3)).await?;
    assert_eq!((get().as_str(), (40..=50).contains(&ttl())), (r#"{"user":3}"#, true));
    sessions.put_many(&[session(4)]).await?;
    let user = kv
        .transact(async |tx| {
            tx.update::<Session>("s", |it| it.user += 1).await?;
            Ok(tx.get::<Session>("s").await?.map(|it| it.user))
        })
        .await?;
    assert_eq!((user, get().as_str(), (1_790..=1_800).contains(&ttl())), (Some(5), r#"{"user":5}"#, true));
    Ok(())
}

/// The list index has plain records as any others.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_list_index_holds_them() -> Outcome {
    let server = RedisServer::start();
    let store = RedisStore::options().list_index(true).hash_tags(true).connect(&server.url(0)).await?;
    let counters = Kv::new(store).collection::<Counter>();
    for id in ["a", "b"] {
        counters.insert(&Counter { id: id.to_owned(), ours: 1 }).await?;
    }
    counters.store().rebuild_index("counter").await?;
    let page = counters.list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len()), (2, 0));
    assert_eq!(server.cli(&["GET", "{counter:a}"]).trim(), r#"{"ours":1}"#);
    Ok(())
}
