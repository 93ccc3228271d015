//! Programs in JavaScript and Python that write the same records on Redis: keyv, connect-redis with
//! express-session, ioredis, redis-py, unstorage, Flask-Session and Celery.
//! `scripts/install-programs` installs them.

use std::time::Duration;

use kv_runtime::adopt::{Keyv, MessagePack};
use kv_runtime::store::{RedisStore, StoreExt};
use kv_runtime::{Kv, KvEntity, Timestamp};

use super::Outcome;
use super::redis_server::RedisServer;

/// Runs a script of `tests/programs` with the server's URL and further arguments, and returns what it
/// prints.
pub(super) fn run(script: &str, server: &RedisServer, arguments: &[&str]) -> String {
    super::program(script, &server.url(0), arguments)
}

async fn connected(server: &RedisServer) -> Result<Kv<RedisStore>, kv_runtime::Error> {
    Ok(Kv::new(RedisStore::connect(&server.url(0)).await?))
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "cache::cache:", adapter = Keyv, ttl = "1h")]
struct Cached {
    #[kv(id, raw)]
    id: String,
    name: String,
    tags: Vec<String>,
}

#[tokio::test]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn keyv_reads_what_it_wrote_and_what_was_changed() -> Outcome {
    let server = RedisServer::start();
    let value = r#"{"name":":Ada","tags":["::"],"theirs":{"deep":[1.5,null]}}"#;
    run("keyv.mjs", &server, &["set", "a:1%", value, "60000"]);
    run("keyv.mjs", &server, &["set", "b", value, "0"]);
    let kv = connected(&server).await?;
    let all = kv.collection::<Cached>();
    let found = all.get("a:1%").await?.ok_or("keyv wrote it")?;
    assert_eq!((found.name.as_str(), found.tags), (":Ada", vec!["::".to_owned()]));
    let page = all.list().page().await?;
    assert_eq!((page.entities.len(), page.failed.len()), (2, 0));
    for id in ["a:1%", "b"] {
        all.update(id, |it| it.name.push('!')).await?;
        let read = run("keyv.mjs", &server, &["get", id]);
        assert_eq!(read, value.replace(":Ada", ":Ada!"));
    }
    // keyv's own expiry and the server's are left as they were.
    let left: i64 = server.cli(&["PTTL", "cache::cache:a:1%"]).trim().parse()?;
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!(server.cli(&["PTTL", "cache::cache:b"]).trim(), "-1");
    all.insert(&Cached { id: "new".to_owned(), name: ":".to_owned(), tags: Vec::new() }).await?;
    assert_eq!(run("keyv.mjs", &server, &["get", "new"]), r#"{"name":":","tags":[]}"#);
    all.with_ttl(Duration::from_millis(1)).put(&found_again()).await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(run("keyv.mjs", &server, &["get", "gone"]), "undefined");
    Ok(())
}

fn found_again() -> Cached {
    Cached { id: "gone".to_owned(), name: String::new(), tags: Vec::new() }
}

/// A session of express-session, as connect-redis keeps it.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "sess:", plain)]
struct Session {
    #[kv(id, raw, secret)]
    id: String,
    cookie: Cookie,
    #[serde(default)]
    views: u64,
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
struct Cookie {
    #[serde(with = "kv_runtime::json::iso_timestamp")]
    expires: Timestamp,
}

#[tokio::test]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn express_session_goes_on_with_a_session_that_was_changed() -> Outcome {
    let server = RedisServer::start();
    // The program makes a session by requests to its own server, and prints its cookie.
    let cookie = run("express.mjs", &server, &["", "2"]);
    let kv = connected(&server).await?;
    let sessions = kv.collection::<Session>();
    let page = sessions.list().page().await?;
    let [session] = page.entities.as_slice() else { panic!("{page:?}") };
    assert_eq!(session.views, 2);
    let now = kv.store().clock().now();
    assert!(
        session.cookie.expires > now && session.cookie.expires < now.saturating_add(Duration::from_secs(600))
    );
    sessions.update(session.id.as_str(), |session| session.views = 10).await?;
    assert_eq!(run("express.mjs", &server, &[&cookie, "1"]), "views 11, user ada");
    let left: i64 = server.cli(&["TTL", &format!("sess:{}", session.id)]).trim().parse()?;
    assert!((1..=600).contains(&left), "{left}");
    // A log-out by this program.
    sessions.delete(session.id.as_str()).await?;
    assert_eq!(run("express.mjs", &server, &[&cookie, "1"]), "views 1, user ada");
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "customer", plain, version = 2, version_in = "schema")]
struct Customer {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    name: String,
    #[serde(with = "kv_runtime::json::number_or_text")]
    visits: u64,
}

/// redis-py with `json.dumps`, and ioredis with `JSON.stringify`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn two_languages_and_this_program_count_at_the_same_time() -> Outcome {
    const EACH: u64 = 150;
    let server = RedisServer::start();
    let written = run("customers.py", &server, &["write"]);
    assert_eq!(
        written,
        r#"{"schema": 1, "fullName": "Ada", "visits": "0", "wei": 1234567890123456789012, "py": 0, "js": 0}"#
    );
    let kv = connected(&server).await?;
    let customers = kv.collection::<Customer>();
    assert_eq!(customers.get(17).await?.map(|it| it.name).as_deref(), Some("Ada"));
    let census = customers.census_with_values().await?;
    assert_eq!((census.groups[0].versions.get(&1), census.undecoded), (Some(&1), Some(0)));

    // Each changes its own member, by compare-and-swap, until it was not disturbed.
    let server = std::sync::Arc::new(server);
    let others = [("customers.py", "count"), ("customers.mjs", "count")].map(|(script, what)| {
        let server = server.clone();
        std::thread::spawn(move || run(script, &server, &[what, &EACH.to_string()]))
    });
    for _ in 0..EACH {
        customers.update(17, |it| it.visits += 1).await?;
    }
    for other in others {
        other.join().expect("the program ended");
    }
    let customer = customers.get(17).await?.ok_or("it is there")?;
    assert_eq!((customer.name.as_str(), customer.visits), ("Ada", EACH));
    // JavaScript rounds the large number when it writes the record, which nothing here can prevent.
    let read = run("customers.py", &server, &["read"]);
    for part in [r#""schema": 2"#, r#""name": "Ada""#, r#""visits": 150"#, r#""py": 150"#, r#""js": 150"#] {
        assert!(read.contains(part), "{part} in {read}");
    }
    assert!(kv.store().read(&customers.key(17)).await?.ok_or("it is there")?.is_plain());
    Ok(())
}

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "app:user:", plain)]
struct Stored {
    #[kv(id, raw)]
    id: String,
    name: String,
}

#[tokio::test]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn unstorage_reads_what_it_wrote_and_what_was_changed() -> Outcome {
    let server = RedisServer::start();
    run("unstorage.mjs", &server, &["set", "user:a:17", r#"{"name":"Ada","n":[1.5,null]}"#]);
    let users = connected(&server).await?.collection::<Stored>();
    assert_eq!(users.list().page().await?.entities.len(), 1);
    users.update("a:17", |it| it.name.push('!')).await?;
    assert_eq!(run("unstorage.mjs", &server, &["get", "user:a:17"]), r#"{"name":"Ada!","n":[1.5,null]}"#);
    users.insert(&Stored { id: "b".to_owned(), name: "Bob".to_owned() }).await?;
    assert_eq!(run("unstorage.mjs", &server, &["get", "user:b"]), r#"{"name":"Bob"}"#);
    Ok(())
}

/// A session of Flask-Session with `SESSION_SERIALIZATION_FORMAT = "json"`.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "session:", plain)]
struct FlaskJson {
    #[kv(id, raw, secret)]
    id: String,
    views: u64,
}

/// The same in MessagePack, which is the default.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "session:", adapter = MessagePack)]
struct FlaskMessagePack {
    #[kv(id, raw, secret)]
    id: String,
    views: u64,
}

#[tokio::test]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn flask_session_goes_on_with_a_session_that_was_changed() -> Outcome {
    let server = RedisServer::start();
    let kv = connected(&server).await?;
    for format in ["json", "msgpack"] {
        server.cli(&["FLUSHALL"]);
        let first = run("flask_app.py", &server, &[format, ""]);
        let (cookie, answer) = first.split_once('\n').ok_or("it prints a cookie")?;
        assert_eq!(answer, "views 1, user ada");
        let id = if format == "json" {
            let sessions = kv.collection::<FlaskJson>();
            let id = sessions.list().page().await?.entities.remove(0).id;
            sessions.update(id.as_str(), |session| session.views += 40).await?;
            id
        } else {
            let sessions = kv.collection::<FlaskMessagePack>();
            let id = sessions.list().page().await?.entities.remove(0).id;
            sessions.update(id.as_str(), |session| session.views += 40).await?;
            id
        };
        let ttl: i64 = server.cli(&["TTL", &format!("session:{id}")]).trim().parse()?;
        assert!((500..=600).contains(&ttl), "{ttl}");
        let next = run("flask_app.py", &server, &[format, cookie]);
        assert_eq!(next.lines().last(), Some("views 42, user ada"), "{format}");
    }
    Ok(())
}

/// A result of Celery, which its program may have too.
#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(shared_prefix = "celery-task-meta-", plain)]
struct Task {
    #[kv(id, raw)]
    id: String,
    status: String,
    result: serde_json::Value,
}

#[tokio::test]
#[ignore = "needs redis-server and scripts/install-programs; scripts/test runs it"]
async fn celery_reads_results_that_were_changed() -> Outcome {
    let server = RedisServer::start();
    run("celery_app.py", &server, &["store", "t-1", r#"{"sum": 3}"#]);
    let tasks = connected(&server).await?.collection::<Task>();
    let task = tasks.get("t-1").await?.ok_or("Celery wrote it")?;
    assert_eq!((task.status.as_str(), &task.result["sum"]), ("SUCCESS", &serde_json::json!(3)));
    let before = run("celery_app.py", &server, &["get", "t-1"]);
    tasks.update("t-1", |task| task.result["sum"] = 4.into()).await?;
    let after = run("celery_app.py", &server, &["get", "t-1"]);
    assert_eq!(after, before.replace(r#""sum": 3"#, r#""sum": 4"#));
    let ttl: i64 = server.cli(&["TTL", "celery-task-meta-t-1"]).trim().parse()?;
    assert!(ttl > 86_000, "{ttl}");
    Ok(())
}
