//! What a server refuses: each an error that says what to do, whether a retry helps, and no secret.

use std::process::Stdio;
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::store::{RedisStore, StoreExt};

use super::redis_server::{RedisServer, free_port};
use super::{Test, key, record, shown};

fn refused<T>(result: Result<T, Error>) -> Error {
    result.map(drop).expect_err("it is refused")
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_wrong_password_is_an_error_that_does_not_show_it() -> Test {
    let server = RedisServer::start_with(&["--requirepass", "s3cret"]);
    // A cluster's client finds a node of it in the same way.
    for start in ["redis://", "redis://:wr0ng@", "redis://ada:wr0ng@", "redis+cluster://:wr0ng@"] {
        let error = refused(RedisStore::connect(&format!("{start}127.0.0.1:{}", server.port())).await);
        let text = shown(&error) + &format!("{error:?}");
        assert!(text.contains("user and password are not right") && !error.is_retryable(), "{text}");
        let address =
            format!("redis at 127.0.0.1:{}: the store failed to connect: user and password", server.port());
        assert!(error.to_string().starts_with(&address), "{error}");
        assert!(!text.contains("wr0ng"), "{text}");
    }
    let store = RedisStore::connect(&format!("redis://:s3cret@127.0.0.1:{}", server.port())).await?;
    store.put(key("a:1"), record("1")).await?;
    assert!(!format!("{store:?}").contains("s3cret"));
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_user_and_a_database_come_from_the_url() -> Test {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "ada", "on", ">p%40ss", "~*", "+@all"]);
    let url = format!("redis://ada:p%2540ss@127.0.0.1:{}/3", server.port());
    RedisStore::connect(&url).await?.put(key("a:1"), record("1")).await?;
    assert_eq!(server.cli(&["-n", "3", "EXISTS", "a:1"]).trim(), "1");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_unused_port_is_an_error_that_says_so() -> Test {
    let port = free_port();
    let error = refused(RedisStore::connect(&format!("redis://ada:s3cret@127.0.0.1:{port}")).await);
    let told = format!(
        "redis at 127.0.0.1:{port}: the store failed to connect: nobody listens there; start the server, or correct the URL; a retry may help"
    );
    assert_eq!(error.to_string(), told);
    let text = shown(&error);
    assert!(text.contains("nobody listens") && error.is_retryable() && !text.contains("s3cret"), "{text}");
    assert_eq!(text.matches("refused").count(), 1, "{text}");
    Ok(())
}

#[tokio::test]
async fn a_url_of_another_kind_of_server_is_refused() -> Test {
    for (url, words) in [
        ("ada:s3cret@127.0.0.1:6379", "write `redis://`"),
        ("http://ada:s3cret@127.0.0.1", "`http://127.0.0.1`: "),
        ("redis://ada:s3cret@127.0.0.1/x", "`redis://127.0.0.1`: "),
        ("redis://ada:s3cret@127.0.0.1/x", "the database, after the host, has to be a number"),
        ("redis://ada:s3cret@127.0.0.1:99999", "the port has to be a number from 1 to 65535"),
        ("redis://ada:s3cret@[::1]:x", "the port has to be a number"),
        ("redis://ada:s3cret@:6379", "the host is missing"),
        ("redis://:s3cret@127.0.0.1?password=s3cret", "there are `hash_tags=true`, `list_index=true`"),
        ("redis://:s3cret@127.0.0.1?list_index=s3cret", "are `true` or `false`"),
        ("redis+unix:///run/redis.sock?passwort=s3cret", "`db`, `user`, `pass`"),
        ("redis://:s3cret@a,b", "write `redis+cluster://"),
        ("redis+cluster://:s3cret@127.0.0.1/7", "one database"),
    ] {
        let error = refused(RedisStore::connect(url).await);
        let text = shown(&error);
        assert!(matches!(error, Error::InvalidUrl { .. }), "{error:?}");
        assert!(text.contains(words) && !text.contains("s3cret") && !text.contains("ada"), "{url}: {text}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_full_server_keeps_what_it_has() -> Test {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let store = RedisStore::connect(&server.url(0)).await?;
    store.put(key("a:1"), record("1")).await?;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let batch = vec![(key("a:2"), record("2")), (key("a:3"), record("3"))];
    let refusals = [
        refused(store.put(key("a:1"), record("2")).await),
        refused(store.put_many(batch).await),
        refused(
            store
                .replace(
                    key("a:1"),
                    store.read(&key("a:1")).await?.expect("it is there").revision,
                    record("2"),
                )
                .await,
        ),
    ];
    for error in refusals {
        assert!(shown(&error).contains("memory is full") && !error.is_retryable(), "{}", shown(&error));
    }
    assert_eq!(store.read(&key("a:1")).await?.map(|read| read.value.to_vec()), Some(b"1".to_vec()));
    store.delete(key("a:1")).await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_replica_takes_no_writes() -> Test {
    let (server, primary) = (RedisServer::start(), RedisServer::start());
    server.cli(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let store = RedisStore::connect(&server.url(0)).await?;
    let error = refused(store.put(key("a:1"), record("1")).await);
    assert!(shown(&error).contains("read-only replica") && error.is_retryable(), "{}", shown(&error));
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn temporary_refusals_are_retryable_and_others_are_not() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url(0)).await?;
    store.put(key("a:1"), record("1")).await?;

    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let error = refused(store.put(key("a:1"), record("2")).await);
    assert!(shown(&error).contains("fewer replicas") && error.is_retryable(), "{}", shown(&error));
    server.cli(&["CONFIG", "SET", "min-replicas-to-write", "0"]);

    server.cli(&["ACL", "SETUSER", "reader", "on", ">s3cret", "~*", "+get"]);
    let reader = RedisStore::connect(&format!("redis://reader:s3cret@127.0.0.1:{}", server.port())).await?;
    assert!(reader.read(&key("a:1")).await?.is_some());
    let unchanged = store.read(&key("a:1")).await?.ok_or("it is there")?.revision;
    server.cli(&["ACL", "SETUSER", "reader", "+evalsha", "+eval", "+getrange"]);
    for error in [
        refused(reader.put(key("a:1"), record("2")).await),
        // By a script.
        refused(reader.replace(key("a:1"), unchanged, record("2")).await),
    ] {
        let text = shown(&error);
        assert!(text.contains("the user may not do this") && !error.is_retryable(), "{text}");
    }

    // Somebody's script that has no end, until it is killed.
    server.cli(&["CONFIG", "SET", "busy-reply-threshold", "1"]);
    let port = server.port().to_string();
    let endless = ["-p", &port, "EVAL", "while true do end", "0"];
    let mut endless = std::process::Command::new("redis-cli").args(endless).stdout(Stdio::null()).spawn()?;
    let mut answer = store.read(&key("a:1")).await;
    for _ in 0..100 {
        if answer.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        answer = store.read(&key("a:1")).await;
    }
    let error = refused(answer);
    assert!(shown(&error).contains("busy with a script") && error.is_retryable(), "{}", shown(&error));
    server.cli(&["SCRIPT", "KILL"]);
    endless.wait()?;
    assert_eq!(store.read(&key("a:1")).await?.map(|read| read.value.to_vec()), Some(b"1".to_vec()));
    Ok(())
}
