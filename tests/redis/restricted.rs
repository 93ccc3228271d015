//! Servers that are full, lack commands, or speak the older protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kv_runtime::cache::Cache;
use kv_runtime::record::Expiry;
use kv_runtime::store::{Content, GetOptions, ListQuery, RedisStore, Store, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

use super::proxy::Proxy;
use super::redis_server::RedisServer;
use super::replicas::replicated;
use super::{Test, key, record, shown};

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_full_server_can_be_read() -> Test {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    for url in [
        server.url(0),
        format!("{}?list_index=true", server.url(1)),
        format!("{}?hash_tags=true", server.url(2)),
    ] {
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        let store = RedisStore::connect(&url).await?;
        store.put(key("a:1"), record("1").with_expiry(Expiry::After(Duration::from_secs(60)))).await?;
        store.put(key("a:2"), record("2")).await?;
        server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
        assert!(store.put(key("a:3"), record("3")).await.is_err());
        assert!(store.read(&key("a:1")).await?.is_some());
        let read = store.get(&key("a:1"), GetOptions::new().with_expiry()).await?.ok_or("it is there")?;
        assert!(read.expires_at.is_some(), "{url}");
        let keys = [key("a:1"), key("a:2"), key("a:4")];
        assert_eq!(store.get_many(&keys, GetOptions::new().with_expiry()).await?.iter().flatten().count(), 2);
        assert_eq!(store.read_many(&keys).await?.iter().flatten().count(), 2);
        assert!(store.head(&key("a:1")).await?.is_some_and(|head| head.expires_at.is_some()));
        for content in [Content::Keys, Content::Heads, Content::Records] {
            let page = store.page(&ListQuery::new(key("a:")).with_content(content)).await?;
            assert_eq!(page.len(), 2, "{url}");
        }
        store.delete_many(keys.to_vec()).await?;
    }
    Ok(())
}

#[derive(KvEntity, Debug, Clone)]
#[kv(prefix = "page")]
struct Page {
    #[kv(id)]
    id: u64,
    text: String,
}

/// What the store has is served from it, and what it lacks by the origin: the cache fills nothing.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_cache_on_a_full_server_serves_what_is_there() -> Test {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let pages = Kv::new(RedisStore::connect(&server.url(0)).await?).collection::<Page>();
    pages.put(&Page { id: 1, text: "store".to_owned() }).await?;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let cached = pages.cached(Cache::new());
    let loads = Arc::new(AtomicUsize::new(0));
    let text = async |id| {
        let loads = Arc::clone(&loads);
        let origin = move || {
            loads.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok::<_, std::io::Error>(Page { id, text: "origin".to_owned() }))
        };
        Ok::<_, Error>(cached.get_or_load(id, origin).await?.text.clone())
    };
    assert_eq!(text(1).await?, "store");
    assert_eq!(loads.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        assert_eq!(text(2).await?, "origin");
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1, "it is held in memory");
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "session")]
struct Session {
    #[kv(id, secret)]
    token: String,
    user: u64,
}

const SECRET: &str = "THE-SECRET-TOKEN";

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn what_a_server_quotes_is_not_shown() -> Test {
    let renamed = [
        "--rename-command",
        "EVALSHA",
        "",
        "--rename-command",
        "UNLINK",
        "",
        "--rename-command",
        "PEXPIRE",
        "",
    ];
    let server = RedisServer::start_with(&renamed);
    let store = RedisStore::connect(&server.url(0)).await?;
    let sessions = Kv::new(store).collection::<Session>();
    let session = Session { token: SECRET.to_owned(), user: 1 };
    sessions.put(&session).await?;
    for error in [
        sessions.insert(&session).await.expect_err("there is no EVALSHA"),
        sessions
            .update(SECRET, |session| session.user += 1)
            .await
            .map(drop)
            .expect_err("there is no EVALSHA"),
        sessions.delete(SECRET).await.expect_err("there is no UNLINK"),
    ] {
        let text = shown(&error) + &format!("{error:?}");
        assert!(!text.contains(SECRET) && text.contains("no such command"), "{text}");
        assert!(matches!(error, Error::Store { retryable: false, .. }), "{error:?}");
    }
    Ok(())
}

/// The refusal quotes bytes that are no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_refusal_of_bytes_fails_its_own_call_alone() -> Test {
    let server = RedisServer::start_with(&["--rename-command", "EVALSHA", ""]);
    let proxy = Proxy::start(server.port());
    let store = RedisStore::connect(&proxy.url()).await?;
    store.put(key("b:1"), record("1")).await?;
    let others: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    store.read(&key("b:1")).await?;
                    store.put(key("b:2"), record("2")).await?;
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    let revision = store.read(&key("b:1")).await?.ok_or("it is there")?.revision;
    for _ in 0..50 {
        let refused = store.replace(key("b:ä\u{1F980}"), revision.clone(), record("1")).await;
        assert!(matches!(refused, Err(Error::Store { retryable: false, .. })), "{refused:?}");
    }
    for other in others {
        other.await??;
    }
    assert_eq!(proxy.accepted(), 1, "nobody had to connect again");
    Ok(())
}

async fn is_served(store: &RedisStore, server: &RedisServer, database: &str) -> Test {
    store.put(key("a:1"), record("1")).await?;
    let read = store.get(&key("a:1"), GetOptions::new().with_expiry()).await?.ok_or("it was written")?;
    let commit = store.replace(key("a:1"), read.revision, record("2")).await?;
    assert_eq!(commit, kv_runtime::store::Commit::Done);
    store.put_many(vec![(key("a:2"), record("2")), (key("a:3"), record("3"))]).await?;
    assert_eq!(store.page(&ListQuery::new(key("a:"))).await?.len(), 3);
    assert_eq!(server.cli(&["-n", database, "EXISTS", "a:1"]).trim(), "1");
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_older_protocol_is_spoken_where_it_is_needed() -> Test {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "ada", "on", ">s3cret", "~*", "+@all"]);
    let protocol = |server: &RedisServer| {
        let clients = server.cli(&["CLIENT", "LIST"]);
        let ours = clients.lines().find(|line| !line.contains("cmd=client")).unwrap_or_default().to_owned();
        ours.split(' ').find_map(|field| field.strip_prefix("resp=").map(str::to_owned)).unwrap_or_default()
    };
    for (url, spoken) in [
        (server.url(3), "3"),
        (format!("{}?protocol=resp3", server.url(3)), "3"),
        (format!("{}?protocol=resp2", server.url(3)), "2"),
        (format!("redis://ada:s3cret@127.0.0.1:{}/3?protocol=resp2&list_index=true", server.port()), "2"),
    ] {
        let store = RedisStore::connect(&url).await?;
        is_served(&store, &server, "3").await?;
        assert_eq!(protocol(&server), spoken, "{url}");
        drop(store);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let wrong = format!("redis://ada:wr0ng@127.0.0.1:{}?protocol=resp2", server.port());
    let error = RedisStore::connect(&wrong).await.expect_err("the password is another one");
    let text = shown(&error) + &format!("{error:?}");
    assert!(text.contains("user and password are not right") && !text.contains("wr0ng"), "{text}");

    // A server without `HELLO` is found out.
    let old = RedisServer::start_with(&["--rename-command", "HELLO", "", "--requirepass", "s3cret"]);
    let store = RedisStore::connect(&format!("redis://:s3cret@127.0.0.1:{}/2", old.port())).await?;
    store.put(key("a:1"), record("1")).await?;
    assert!(store.read(&key("a:1")).await?.is_some());
    Ok(())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn valkeys_schemes_are_those_of_redis() -> Test {
    let server = RedisServer::start();
    let store = RedisStore::connect(&format!("valkey://127.0.0.1:{}/1", server.port())).await?;
    is_served(&store, &server, "1").await?;
    Kv::connect(&format!("valkey://127.0.0.1:{}/1", server.port())).await?;
    Ok(())
}

#[tokio::test]
async fn no_part_of_a_password_is_shown() -> Test {
    for password in
        ["s3cr3t/x9", "4711/x9", "s3cr3t#x9", "s3cr3t?x9", "s3cr3t@x9", "a/s3cr3t?b#c@x9", "s3cr3t%zz"]
    {
        for url in [
            format!("redis://u5er:{password}@127.0.0.1:1/0"),
            format!("redis+cluster://u5er:{password}@127.0.0.1:1"),
            format!("redis+sentinel://u5er:{password}@127.0.0.1:1"),
            format!("http://u5er:{password}@127.0.0.1:1"),
            format!("u5er:{password}@127.0.0.1:1"),
            format!("redis://u5er:{password}@127.0.0.1:1/0?unknown=s3cr3t"),
        ] {
            for error in [
                RedisStore::connect(&url).await.map(drop).expect_err("nobody listens there"),
                Kv::connect(&url).await.map(drop).expect_err("nobody listens there"),
            ] {
                let text = shown(&error) + &format!("{error:?}");
                let shows = ["s3cr3t", "x9", "4711", "u5er"].into_iter().find(|part| text.contains(part));
                assert_eq!(shows, None, "{url}: {text}");
            }
        }
    }
    Ok(())
}

/// A password may be percent-encoded, and does not have to be.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_password_may_have_any_character() -> Test {
    let server = RedisServer::start_with(&["--requirepass", "a/b?c#d@e"]);
    for password in ["a/b?c#d@e", "a%2Fb%3Fc%23d%40e"] {
        let store =
            RedisStore::connect(&format!("redis://:{password}@127.0.0.1:{}/1", server.port())).await?;
        store.put(key("a:1"), record("1")).await?;
    }
    Ok(())
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "prefs"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "prefs")]
    dark: bool,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "member")]
struct Member {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "seat")]
struct Seat {
    #[kv(id, shard)]
    org: String,
    #[kv(id)]
    number: u32,
    #[kv(unique)]
    email: String,
    #[kv(index)]
    city: String,
}

#[derive(KvEntity, Debug)]
#[kv(prefix = "user", group = "bed")]
struct Bed {
    #[kv(id, shard)]
    org: String,
    #[kv(id)]
    number: u32,
    name: String,
}

/// The key patterns that kv-runtime/docs/redis.md gives a user cover the records, the index, and
/// what is written to wait for replicas.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_documented_patterns_are_enough() -> Test {
    let page = include_str!("../../kv-runtime/docs/redis.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("ACL SETUSER app ")).collect();
    let [plain, tagged, in_shards] = lines[..] else { panic!("{lines:?}") };
    for (line, parameters) in [(plain, "list_index=true"), (tagged, "list_index=true&hash_tags=true")] {
        let (_server, kv) = connected_as(line, parameters).await?;
        let users = kv.collection::<User>();
        for id in 0..20 {
            users.insert(&User { id, name: "Ada".to_owned(), dark: true }).await?;
        }
        users.update(7, |user| user.dark = false).await?;
        users.delete(8).await?;
        assert_eq!(users.list().page().await?.entities.len(), 19, "{line}");
        assert_eq!(users.store().rebuild_index("user").await?, 38, "{line}");
        assert_eq!(users.store().sweep_index("user").await?.waiting, 2, "{line}");
        let members = kv.collection::<Member>();
        assert!(members.build_indexes().no_older_writers().run().await?.is_ready);
        members
            .insert(&Member { id: 7, email: "ada@example.com".to_owned(), city: "York".to_owned() })
            .await?;
        members.update(7, |member| member.city = "Bath".to_owned()).await?;
        assert!(members.by(Member::EMAIL).exists("ada@example.com").await?, "{line}");
        assert_eq!(members.by(Member::CITY).equal("Bath").count().await?, 1, "{line}");
        let foreign = users.store().put(key("invoice:1"), record("1")).await;
        assert!(foreign.is_err(), "the patterns cover no more than they must");
    }
    let (_server, kv) = connected_as(in_shards, "list_index=true&hash_tags=true").await?;
    let seats = kv.collection::<Seat>();
    assert!(seats.build_indexes().no_older_writers().run().await?.is_ready);
    for number in 0..20 {
        let email = format!("{number}@example.com");
        seats.insert(&Seat { org: "acme".to_owned(), number, email, city: "York".to_owned() }).await?;
    }
    seats.update(("acme", 7), |seat| seat.city = "Bath".to_owned()).await?;
    seats.delete(("acme", 8)).await?;
    assert_eq!(seats.list().within("acme").page().await?.entities.len(), 19);
    assert!(seats.by(Seat::EMAIL).exists("7@example.com").await?);
    assert_eq!(seats.by(Seat::CITY).equal("Bath").count().await?, 1);
    assert!(seats.store().put(key("invoice:1"), record("1")).await.is_err());
    Ok(())
}

/// Connects as a user with the key patterns of a line of the page.
async fn connected_as(line: &str, parameters: &str) -> Test<(RedisServer, Kv<RedisStore>)> {
    let server = RedisServer::start();
    let patterns = line.split_whitespace().filter(|word| word.starts_with('~'));
    let mut user = vec!["ACL", "SETUSER", "app", "reset", "on", ">s3cret", "+@all"];
    user.extend(patterns);
    assert!(user.len() > 8, "{line}");
    assert_eq!(server.cli(&user).trim(), "OK");
    let url = format!("redis://app:s3cret@127.0.0.1:{}?{parameters}", server.port());
    let options = RedisStore::options().wait_for_replicas(0, Duration::from_millis(100));
    Ok((server, Kv::new(options.connect(&url).await?)))
}

/// To wait for replicas, a user needs one more pattern where entities are in shards, and only there.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn the_documented_patterns_let_a_user_wait_for_replicas() -> Test {
    let page = include_str!("../../kv-runtime/docs/redis.md");
    let prose = page.replace('\n', " ");
    let (_, further) =
        prose.split_once("To wait for replicas, it also needs the pattern `").ok_or("it is told")?;
    let (further, _) = further.split_once('`').ok_or("it ends")?;
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("ACL SETUSER app ")).collect();
    let [plain, tagged, in_shards] = lines[..] else { panic!("{lines:?}") };
    let (primary, _replica) = replicated();
    let with_pattern = format!("{in_shards} {further}");
    for (line, hash_tags, is_in_shard, is_enough) in [
        (plain, false, false, true),
        (tagged, true, false, true),
        (in_shards, true, true, false),
        (&with_pattern, true, true, true),
    ] {
        primary.cli(&["FLUSHALL"]);
        let patterns = line.split_whitespace().filter(|word| word.starts_with('~'));
        let mut user = vec!["ACL", "SETUSER", "app", "reset", "on", ">s3cret", "+@all"];
        user.extend(patterns);
        assert_eq!(primary.cli(&user).trim(), "OK");
        let options = RedisStore::options().hash_tags(hash_tags).wait_for_replicas(1, Duration::from_secs(4));
        let url = format!("redis://app:s3cret@127.0.0.1:{}", primary.port());
        let kv = Kv::new(options.connect(&url).await?);
        let written = if is_in_shard {
            let bed = Bed { org: "acme".to_owned(), number: 7, name: "Ada".to_owned() };
            kv.collection().put(&bed).await
        } else {
            kv.collection().put(&User { id: 7, name: "Ada".to_owned(), dark: true }).await
        };
        match written {
            Err(Error::OutcomeUnknown { .. }) if !is_enough => {}
            written => assert!(written.is_ok() && is_enough, "{line}: {written:?}"),
        }
    }
    Ok(())
}
