//! Connections that a server refuses: each error says what to do, and whether a retry helps.

use std::time::Duration;

use kv_runtime::store::{RedisStore, StoreExt};
use kv_runtime::{Error, Kv};
use tokio::task::JoinSet;

use super::proxy::Proxy;
use super::redis_server::RedisServer;
use super::{Test, key, record, shown};

/// What a server answers to the first command, what the error says of it, and whether a retry may
/// help.
const REFUSALS: [(&str, &str, bool); 12] = [
    ("-ERR max number of clients reached\r\n", "as many clients as its `maxclients` allows", true),
    ("-LOADING Redis is loading the dataset in memory\r\n", "still loading", true),
    ("-MASTERDOWN Link with MASTER is down\r\n", "is down", true),
    ("-BUSY Redis is busy running a script\r\n", "busy with a script", true),
    ("-DENIED Redis is running in protected mode\r\n", "until it has a password", false),
    ("-NOAUTH Authentication required.\r\n", "user and password are not right", false),
    ("-WRONGPASS invalid username-password pair\r\n", "user and password are not right", false),
    ("-NOPERM this user has no permissions\r\n", "the user may not do this", false),
    ("-ERR unknown command\r\n", "the server has no such command", false),
    ("-ERR something new\r\n", "the server refused the command", false),
    ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "not that of a Redis server", true),
    ("SSH-2.0-OpenSSH_9.2\r\n", "not that of a Redis server", true),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_greeting_is_an_error_that_says_why() -> Test {
    let mut connecting = JoinSet::new();
    for (answer, words, is_retryable) in REFUSALS {
        let proxy = Proxy::start(1);
        proxy.answer(Some(answer.as_bytes()));
        for user in ["", ":s3cret@", "ada:s3cret@"] {
            for rest in ["", "/3", "?protocol=resp2", "/3?protocol=resp2"] {
                let url = format!("redis://{user}127.0.0.1:{}{rest}", proxy.port());
                connecting.spawn(async move {
                    let error = RedisStore::connect(&url).await.expect_err("it is refused");
                    let text = shown(&error) + &format!("{error:?}");
                    let is_right = text.contains(words) && error.is_retryable() == is_retryable;
                    assert!(
                        is_right && !text.contains("TLS") && !text.contains("s3cret"),
                        "{answer}: {text}"
                    );
                });
            }
        }
    }
    while let Some(connected) = connecting.join_next().await {
        connected?;
    }
    Ok(())
}

/// Such a server answers before it is asked, and closes the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_server_with_too_many_clients_says_so() -> Test {
    let server = RedisServer::start_with(&["--maxclients", "1", "--requirepass", "s3cret"]);
    let _first = RedisStore::connect(&format!("redis://:s3cret@127.0.0.1:{}", server.port())).await?;
    for user in ["", ":s3cret@"] {
        for rest in ["", "/3", "?protocol=resp2", "/3?protocol=resp2"] {
            for _ in 0..5 {
                let url = format!("redis://{user}127.0.0.1:{}{rest}", server.port());
                let error = RedisStore::connect(&url).await.expect_err("there is no room");
                let text = shown(&error);
                let is_right = text.contains("`maxclients`") && error.is_retryable();
                assert!(is_right && !text.contains("TLS"), "{url}: {text}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_server_of_another_kind_is_an_error_that_names_the_right_url() -> Test {
    let (server, node) = (RedisServer::start(), RedisServer::start_node(&[]));
    let sentinel = RedisServer::start_sentinel(server.port());
    let (server, node, sentinel) = (server.port(), node.port(), sentinel.port());
    let no_sentinel = "no sentinel; connect by `redis://`, or by `redis+cluster://`";
    for (url, words) in [
        (format!("redis://127.0.0.1:{sentinel}"), "connect by `redis+sentinel://"),
        (format!("redis://127.0.0.1:{sentinel}/3"), "connect by `redis+sentinel://"),
        (format!("redis://127.0.0.1:{sentinel}?protocol=resp2"), "connect by `redis+sentinel://"),
        (format!("redis+cluster://127.0.0.1:{sentinel}"), "connect by `redis+sentinel://"),
        (format!("redis+cluster://127.0.0.1:{sentinel}?protocol=resp2"), "connect by `redis+sentinel://"),
        (format!("redis+cluster://127.0.0.1:{server}"), "no node of a cluster; connect by `redis://`"),
        (format!("redis+sentinel://127.0.0.1:{server}/mymaster"), no_sentinel),
        (format!("redis+sentinel://127.0.0.1:{node}/mymaster"), no_sentinel),
        (format!("redis+sentinel://127.0.0.1:{server}/mymaster?protocol=resp2"), no_sentinel),
        (format!("redis://127.0.0.1:{node}/3"), "connect by `redis+cluster://`"),
        // Which of the two errors it is depends on the server.
        (format!("redis://127.0.0.1:{node}/3?protocol=resp2"), "a node of a cluster"),
        (format!("redis://127.0.0.1:{server}/99"), "no database of this number"),
        (format!("redis://127.0.0.1:{server}/99?protocol=resp2"), "no database of this number"),
        (format!("redis://:s3cret@127.0.0.1:{server}?protocol=resp2"), "has no password"),
        (format!("redis://ada:s3cret@127.0.0.1:{server}?protocol=resp2"), "user and password are not right"),
    ] {
        for error in [
            RedisStore::connect(&url).await.map(drop).expect_err("it leads elsewhere"),
            Kv::connect(&url).await.map(drop).expect_err("it leads elsewhere"),
        ] {
            let text = shown(&error);
            assert!(
                text.contains(words) && !error.is_retryable() && !text.contains("s3cret"),
                "{url}: {text}"
            );
        }
    }
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_socket_is_connected_by_its_path() -> Test {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("redis.sock");
    let path = path.to_str().ok_or("the path is text")?;
    let server = RedisServer::start_with(&["--unixsocket", path]);
    server.cli(&["ACL", "SETUSER", "ada", "on", ">s3c%ret", "~*", "+@all"]);
    for url in [
        format!("redis+unix://{path}"),
        format!("valkey+unix://{path}?db=3"),
        format!("redis+unix://{path}?user=ada&pass=s3c%25ret&list_index=true"),
        format!("redis+unix://{path}?user=ada&pass=s3c%25ret&db=3&protocol=resp2"),
    ] {
        let store = RedisStore::connect(&url).await?;
        store.put(key("a:1"), record("1")).await?;
        assert!(store.read(&key("a:1")).await?.is_some(), "{url}");
        Kv::connect(&url).await?;
    }
    assert_eq!(server.cli(&["-n", "3", "EXISTS", "a:1"]).trim(), "1");
    let wrong = RedisStore::connect(&format!("redis+unix://{path}?user=ada&pass=wr0ng")).await;
    let wrong = shown(&wrong.expect_err("the password is another one"));
    assert!(wrong.contains("user and password are not right") && !wrong.contains("wr0ng"), "{wrong}");
    let absent =
        RedisStore::connect(&format!("redis+unix://{path}.old")).await.expect_err("there is no socket");
    assert!(shown(&absent).contains("nobody listens") && absent.is_retryable(), "{absent:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_url_of_a_socket_is_an_error_that_shows_the_right_one() -> Test {
    for (url, words) in [
        ("redis+unix:/run/redis.sock", "write `redis+unix:///run/redis.sock`"),
        ("valkey+unix:/run/valkey.sock", "write `valkey+unix:///run/valkey.sock`"),
        ("redis+unix:/run/redis.sock?user=ada&pass=s3cret", "write `redis+unix:///run/redis.sock`"),
        ("redis+unix://run/redis.sock", "write the whole path"),
        ("redis+unix://", "write the whole path"),
        ("redis+unix:", "write `redis+unix:///"),
        ("redis+unix:run/redis.sock", "write `redis+unix:///"),
        ("redis+unix:///run/redis.sock?db=s3cret", "`db` has to be a number"),
        ("unix:///run/redis.sock", "`redis+unix:///"),
        ("rediss+unix:///run/redis.sock", "`redis+unix:///"),
    ] {
        for error in [
            RedisStore::connect(url).await.map(drop).expect_err("it is no such URL"),
            Kv::connect(url).await.map(drop).expect_err("it is no such URL"),
        ] {
            let text = shown(&error);
            assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error:?}");
            assert!(
                text.contains(words) && !text.contains("s3cret") && !text.contains("ada"),
                "{url}: {text}"
            );
        }
    }
    Ok(())
}

/// A server that refuses is not asked more often than the pauses allow, however many calls there
/// are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_server_that_refuses_is_not_flooded() -> Test {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&proxy.url()).await?;
    proxy.answer(Some(b"-LOADING Redis is loading the dataset in memory\r\n"));
    proxy.cut();
    let (begin, before) = (tokio::time::Instant::now(), proxy.accepted());
    let mut calls = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        calls.spawn(async move {
            while begin.elapsed() < Duration::from_secs(1) {
                assert!(store.read(&key("a:1")).await.is_err());
            }
        });
    }
    calls.join_all().await;
    let tries = proxy.accepted() - before;
    assert!((2..30).contains(&tries), "{tries} connections in a second");
    Ok(())
}
