//! `rediss://`: whom a store trusts, what it shows of itself, and what it says of a server that it
//! does not speak with.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kv_runtime::store::{RedisOptions, RedisStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

use super::certificates::{Authority, Issued};
use super::redis_server::{RedisCluster, RedisServer, free_port};
use super::{Test, key, record, shown};

/// A server with one port for TLS and one for plain connections.
struct TlsServer {
    server: RedisServer,
    port: u16,
}

impl TlsServer {
    /// It asks clients for no certificate.
    fn start(authority: &Authority, shown: &Issued) -> Self {
        Self::start_with(authority, shown, &["--tls-auth-clients", "no"])
    }

    fn start_with(authority: &Authority, shown: &Issued, arguments: &[&str]) -> Self {
        Self::start_as(RedisServer::start_with, authority, shown, arguments)
    }

    /// One that waits to be a node of a cluster.
    fn start_node(authority: &Authority, shown: &Issued, arguments: &[&str]) -> Self {
        Self::start_as(RedisServer::start_node, authority, shown, arguments)
    }

    fn start_as(
        start: fn(&[&str]) -> RedisServer,
        authority: &Authority,
        shown: &Issued,
        arguments: &[&str],
    ) -> Self {
        let port = free_port();
        let tls = shown.served(authority, port);
        let arguments: Vec<&str> = tls.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        Self { server: start(&arguments), port }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }
}

fn trusting(authority: &Authority) -> RedisOptions {
    RedisStore::options().root_certificates(authority.pem())
}

/// What is said of a server that is not connected: nothing that a retry would help.
async fn refused(options: RedisOptions, url: &str) -> String {
    let error = options.connect(url).await.expect_err("it is refused");
    let text = shown(&error);
    assert!(matches!(error, Error::Store { .. }) && !error.is_retryable(), "{error:?}");
    text
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn records_come_and_go_by_an_authority_of_ones_own() -> Test {
    let authority = Authority::new()?;
    let mut tls = TlsServer::start(&authority, &authority.issue("127.0.0.1")?);
    let store = trusting(&authority).connect(&tls.url()).await?;
    store.put(key("a:1"), record("1")).await?;
    assert_eq!(store.read(&key("a:1")).await?.map(|read| read.value.to_vec()), Some(b"1".to_vec()));
    // One and a half megabytes are many records of TLS.
    let large = "x".repeat(3 << 19);
    store.put(key("a:2"), record(&large)).await?;
    assert_eq!(store.read(&key("a:2")).await?.map(|read| read.value.len()), Some(large.len()));
    assert_eq!(tls.server.cli(&["DBSIZE"]).trim(), "2");

    // It comes back by TLS.
    tls.server.kill();
    assert!(store.read(&key("a:1")).await.as_ref().is_err_and(Error::is_retryable));
    tls.server.restart();
    let mut back = store.read(&key("a:1")).await;
    for _ in 0..20 {
        if back.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            back = store.read(&key("a:1")).await;
        }
    }
    assert!(back?.is_none(), "it had nothing on its disk");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_untrusted_certificate_is_an_error_that_says_what_to_do() -> Test {
    let (authority, other) = (Authority::new()?, Authority::new()?);
    let tls = TlsServer::start(&authority, &authority.issue("127.0.0.1")?);
    // By the system's authorities, and by another one.
    for options in [RedisStore::options(), trusting(&other)] {
        let text = refused(options, &tls.url()).await;
        assert!(text.contains("authority that is not trusted here"), "{text}");
        assert!(
            text.contains("`RedisOptions::root_certificates`") && text.contains("`SSL_CERT_FILE`"),
            "{text}"
        );
    }
    // Several may be given.
    let both = RedisStore::options().root_certificates(other.pem() + &authority.pem());
    both.connect(&tls.url()).await?.put(key("a:1"), record("1")).await?;

    // Not to look at the certificate is not to be had.
    let text = refused(trusting(&authority), &format!("{}/#insecure", tls.url())).await;
    assert!(text.contains("cannot be used") && text.contains("insecure"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_certificate_of_another_host_or_time_is_refused() -> Test {
    let authority = Authority::new()?;
    let tls = TlsServer::start(&authority, &authority.issue("redis.example")?);
    let text = refused(trusting(&authority), &tls.url()).await;
    assert!(
        text.contains("is for other names than the URL's host") && text.contains("redis.example"),
        "{text}"
    );

    let tls = TlsServer::start(&authority, &authority.issue_expired("127.0.0.1")?);
    let text = refused(trusting(&authority), &tls.url()).await;
    assert!(text.contains("not valid at this time"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_port_of_the_other_kind_is_an_error_that_says_so() -> Test {
    let authority = Authority::new()?;
    let tls = TlsServer::start(&authority, &authority.issue("127.0.0.1")?);
    // Neither says what is wrong: one waits for the end of a line, and one hangs up.
    let options = trusting(&authority).connection_timeout(Duration::from_millis(200));
    let plain_port = format!("rediss://127.0.0.1:{}", tls.server.port());
    let tls_port = format!("redis://127.0.0.1:{}", tls.port);
    for (options, url, words) in [
        (options, plain_port, "no TLS at this port, connect by `redis://`"),
        (RedisStore::options(), tls_port, "TLS at this port, connect by `rediss://`"),
    ] {
        let error = options.connect(&url).await.expect_err("it is refused");
        assert!(shown(&error).contains(words) && error.is_retryable(), "{}", shown(&error));
    }
    // What speaks, and is no server of TLS.
    let web = TcpListener::bind(("127.0.0.1", 0))?;
    let address = web.local_addr()?;
    std::thread::spawn(move || {
        for mut client in web.incoming().flatten() {
            drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let text = refused(trusting(&authority), &format!("rediss://{address}")).await;
    assert!(text.contains("speaks no TLS at this port"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_password_is_sent_over_tls_and_shown_nowhere() -> Test {
    let authority = Authority::new()?;
    let server = ["--tls-auth-clients", "no", "--requirepass", "s3cret"];
    let tls = TlsServer::start_with(&authority, &authority.issue("127.0.0.1")?, &server);
    let with = |user: &str| format!("rediss://{user}127.0.0.1:{}", tls.port);
    let store = trusting(&authority).connect(&with(":s3cret@")).await?;
    store.put(key("a:1"), record("1")).await?;
    let text = refused(trusting(&authority), &with(":wr0ng@")).await;
    assert!(text.contains("user and password are not right") && !text.contains("wr0ng"), "{text}");
    // It is not sent to a server that might be another one.
    let text = refused(RedisStore::options(), &with(":s3cret@")).await;
    assert!(text.contains("not trusted here") && !text.contains("s3cret"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_server_that_asks_is_shown_a_certificate() -> Test {
    let authority = Authority::new()?;
    let tls =
        TlsServer::start_with(&authority, &authority.issue("127.0.0.1")?, &["--tls-auth-clients", "yes"]);
    let (certificate, private) = authority.issue("a client")?.pem()?;
    let options = trusting(&authority).client_certificate(certificate.clone(), private.clone());
    assert!(!format!("{options:?}").contains("PRIVATE"), "{options:?}");
    options.connect(&tls.url()).await?.put(key("a:1"), record("1")).await?;

    let text = refused(trusting(&authority), &tls.url()).await;
    assert!(text.contains("`RedisOptions::client_certificate`"), "{text}");

    // The key of another certificate, and the certificate of another authority.
    let (foreign, foreign_key) = Authority::new()?.issue("a client")?.pem()?;
    let mixed = trusting(&authority).client_certificate(certificate, foreign_key.clone());
    let text = refused(mixed, &tls.url()).await;
    assert!(text.contains("cannot be used") && !text.contains("PRIVATE"), "{text}");
    let text = refused(trusting(&authority).client_certificate(foreign, foreign_key), &tls.url()).await;
    assert!(text.contains("refused this client's"), "{text}");
    Ok(())
}

#[tokio::test]
async fn invalid_certificates_are_refused_before_anything_is_sent() -> Test {
    // Nobody listens there.
    let url = format!("rediss://127.0.0.1:{}", free_port());
    let authority = Authority::new()?;
    let (certificate, private) = authority.issue("a client")?.pem()?;
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for (options, words) in [
        (RedisStore::options().root_certificates("/etc/redis/ca.crt"), "no certificate in what was given"),
        (RedisStore::options().root_certificates(broken), "cannot be used"),
        (trusting(&authority).client_certificate("", private.clone()), "no certificate in what was given"),
        (trusting(&authority).client_certificate(certificate.clone(), ""), "cannot be used"),
    ] {
        let text = refused(options, &url).await;
        assert!(text.contains(words) && text.contains("option"), "{text}");
    }
    // A URL that would go without them.
    for url in
        ["redis://:s3cret@127.0.0.1", "redis+cluster://:s3cret@127.0.0.1", "redis+unix:///run/redis.sock"]
    {
        let error = trusting(&authority).connect(url).await.expect_err("it is refused");
        let text = shown(&error);
        assert!(matches!(error, Error::InvalidUrl { .. }) && text.contains("write `rediss://`"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    Ok(())
}

/// A program that is given nothing but a URL trusts whom its environment names.
#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn a_url_takes_its_authorities_from_the_environment() -> Test {
    let authority = Authority::new()?;
    let tls = TlsServer::start(&authority, &authority.issue("127.0.0.1")?);
    let run = |authorities: &Path| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rolling-old"));
        program.arg(tls.url()).env("SSL_CERT_FILE", authorities).output()
    };
    let output = run(&authority.path())?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "old first 1\n", "{output:?}");
    let output = run(Path::new("/nowhere/ca.crt"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("`SSL_CERT_FILE`, cannot be read"), "{told}");
    Ok(())
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cluster_is_served_by_tls() -> Test {
    let authority = Authority::new()?;
    let issued = authority.issue("127.0.0.1")?;
    // The nodes speak TLS with each other, too, and so tell clients of their ports for it.
    let each = ["--tls-auth-clients", "no", "--tls-cluster", "yes", "--tls-replication", "yes"];
    let nodes: Vec<TlsServer> = (0..6).map(|_| TlsServer::start_node(&authority, &issued, &each)).collect();
    let ports: Vec<u16> = nodes.iter().map(|node| node.port).collect();
    let url = format!("rediss+cluster://127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1]);
    let trust = ["--tls", "--cacert", &authority.path().display().to_string()];
    let nodes = nodes.into_iter().map(|node| node.server).collect();
    let _cluster = RedisCluster::of(nodes, &ports, &trust);
    let store = trusting(&authority).connect(&url).await?;
    let users = Kv::new(store).collection::<User>();
    for id in 0..50 {
        users.insert(&User { id, name: "Ada".to_owned(), dark: false }).await?;
    }
    users.update(7, |user| user.dark = true).await?;
    assert_eq!(users.get_many(0..50).await?.iter().flatten().count(), 50);
    assert_eq!(users.get(7).await?, Some(User { id: 7, name: "Ada".to_owned(), dark: true }));
    assert_eq!(users.list().ids().page().await?.ids.len(), 50);

    // One of its nodes is asked what the matter is, which the `redis` crate's client of clusters
    // tells as a text alone.
    let text = refused(RedisStore::options(), &url).await;
    assert!(text.contains("not trusted here"), "{text}");
    Ok(())
}

/// The sentinels, the primary and its replica speak TLS alone with each other and with the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_failover_of_a_sentinel_is_followed_by_tls() -> Test {
    let authority = Authority::new()?;
    let issued = authority.issue("127.0.0.1")?;
    let each = ["--tls-auth-clients", "no", "--tls-replication", "yes"];
    let mut primary = TlsServer::start_with(&authority, &issued, &each);
    let follows = ["--replicaof", "127.0.0.1", &primary.port.to_string()];
    let replica = TlsServer::start_with(&authority, &issued, &[&each[..], &follows].concat());
    let port = free_port();
    let tls = issued.served(&authority, port);
    let options: Vec<&str> = tls.iter().map(String::as_str).chain(each).collect();
    let sentinel = RedisServer::start_sentinel_with(primary.port, &options);
    let begin = tokio::time::Instant::now();
    while !sentinel.cli(&["SENTINEL", "REPLICAS", "mymaster"]).contains(&replica.port.to_string()) {
        assert!(begin.elapsed() < Duration::from_secs(30), "the sentinel learns of no replica");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("rediss+sentinel://127.0.0.1:{port}/mymaster");
    let text = refused(RedisStore::options(), &url).await;
    assert!(text.contains("not trusted here"), "{text}");
    let store = trusting(&authority).connect(&url).await?;
    store.put(key("a:1"), record("1")).await?;
    assert_eq!(primary.server.cli(&["EXISTS", "a:1"]).trim(), "1");

    primary.server.kill();
    let begin = tokio::time::Instant::now();
    loop {
        match store.put(key("a:2"), record("2")).await {
            Ok(()) => break,
            Err(error) => {
                let may_go_on = error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. });
                assert!(may_go_on && begin.elapsed() < Duration::from_secs(20), "{error:?}");
            }
        }
    }
    assert_eq!(replica.server.cli(&["EXISTS", "a:2"]).trim(), "1");
    Ok(())
}
