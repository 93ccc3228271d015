//! Sentinels: the primary of a name is found and followed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kv_runtime::Error;
use kv_runtime::store::{RedisStore, StoreExt};
use tokio::time::Instant;

use super::redis_server::{RedisServer, free_port};
use super::{Test, key, record, shown};

/// A primary, its replica and the sentinels that watch them, which know of the replica.
fn watched(sentinels: usize) -> (RedisServer, RedisServer, Vec<RedisServer>) {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let sentinels: Vec<_> = (0..sentinels).map(|_| RedisServer::start_sentinel(primary.port())).collect();
    for sentinel in &sentinels {
        let begin = Instant::now();
        while !sentinel.cli(&["SENTINEL", "REPLICAS", "mymaster"]).contains(&replica.port().to_string()) {
            assert!(begin.elapsed() < Duration::from_secs(30), "the sentinel learns of no replica");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    (primary, replica, sentinels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_failover_is_followed() -> Test {
    let (mut primary, replica, sentinels) = watched(1);
    // The first one is not there.
    let url =
        format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{}/mymaster/2", free_port(), sentinels[0].port());
    let store = RedisStore::connect(&url).await?;
    store.put(key("a:1"), record("1")).await?;
    assert_eq!(primary.cli(&["-n", "2", "EXISTS", "a:1"]).trim(), "1");

    primary.kill();
    let begin = Instant::now();
    loop {
        match store.put(key("a:2"), record("2")).await {
            Ok(()) => break,
            Err(error) => {
                let may_go_on = error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. });
                assert!(may_go_on && begin.elapsed() < Duration::from_secs(20), "{error:?}");
            }
        }
    }
    println!("written {:?} after the primary died", begin.elapsed());
    assert_eq!(replica.cli(&["-n", "2", "EXISTS", "a:2"]).trim(), "1");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_wrong_sentinel_url_is_an_error_that_says_why() -> Test {
    let (_primary, _replica, sentinels) = watched(1);
    let port = sentinels[0].port();
    for (url, words) in [
        (format!("redis://127.0.0.1:{port}"), "connect by `redis+sentinel://"),
        (format!("redis+sentinel://127.0.0.1:{port}/other"), "know no primary of the name"),
    ] {
        let error = RedisStore::connect(&url).await.expect_err("it leads to no primary");
        assert!(shown(&error).contains(words) && !error.is_retryable(), "{}", shown(&error));
    }
    let error = RedisStore::connect(&format!("redis+sentinel://127.0.0.1:{port}")).await;
    let error = error.expect_err("it has no name");
    assert!(matches!(&error, Error::InvalidUrl { .. }) && shown(&error).contains("/mymaster"), "{error:?}");
    let error = RedisStore::connect(&format!("redis+sentinel://127.0.0.1:{}/mymaster", free_port())).await;
    assert!(error.as_ref().is_err_and(Error::is_retryable), "{error:?}");
    Ok(())
}

/// A sentinel without passwords before a server that has one.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_password_is_that_of_the_primary() -> Test {
    let primary = RedisServer::start();
    primary.cli(&["ACL", "SETUSER", "ada", "on", ">s3cret", "~*", "+@all"]);
    let sentinel = RedisServer::start_sentinel(primary.port());
    for (user, is_right) in [("ada:s3cret", true), ("ada:wr0ng", false)] {
        for parameters in ["", "?protocol=resp2"] {
            let url = format!("redis+sentinel://{user}@127.0.0.1:{}/mymaster{parameters}", sentinel.port());
            let connected = RedisStore::connect(&url).await;
            assert_eq!(connected.is_ok(), is_right, "{parameters}: {connected:?}");
        }
    }
    Ok(())
}

/// Speaks for a server: to what one connection after the other sends it answers this, one by one,
/// and then nothing more.
fn speaks(answers: Receiver<Vec<String>>) -> std::io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for (mut client, answers) in listener.incoming().flatten().zip(answers) {
            for answer in answers {
                if client.read(&mut [0; 4_096])? > 0 {
                    client.write_all(answer.as_bytes())?;
                }
            }
            silent.push(client);
        }
        Ok::<(), std::io::Error>(())
    });
    Ok(port)
}

/// Over RESP2 a primary is asked for its role. One that does not answer is given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_primary_that_does_not_tell_its_role_is_given_up() -> Test {
    let server = RedisServer::start();
    let (primary, of_primary) = channel();
    let (sentinel, of_sentinel) = channel();
    let silent = speaks(of_primary)?;
    let url = format!("redis+sentinel://127.0.0.1:{}/mymaster?protocol=resp2", speaks(of_sentinel)?);
    let pong = "+PONG\r\n".to_owned();
    primary.send(vec![pong.clone()])?;
    for port in [silent, server.port()] {
        let port = port.to_string();
        let address = format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len());
        sentinel.send(vec![pong.clone(), address])?;
    }
    let options = RedisStore::options().connection_timeout(Duration::from_millis(500));
    let connecting = tokio::time::timeout(Duration::from_secs(10), options.clone().connect(&url)).await;
    let error = connecting.map_err(|_| "it never stops waiting for the role")?.expect_err("it is silent");
    assert!(shown(&error).contains("no answer in time") && error.is_retryable(), "{error:?}");
    options.connect(&url).await?.put(key("a:1"), record("1")).await?;
    assert_eq!(server.cli(&["EXISTS", "a:1"]).trim(), "1");
    Ok(())
}
