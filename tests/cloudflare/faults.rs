//! What a busy, failing or refusing server means: a request that is made again, or a clear error.
//! Nothing is lost in silence.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{CloudflareStore, ListQuery, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};
use serde_json::{Value, json};

use super::Test;
use super::server::{Answer, Request, Server, TOKEN, ok, refused, text};

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record() -> NewRecord {
    NewRecord::new("1", Metadata::default())
}

fn found() -> Answer {
    ok(json!({ "values": { "user:1": { "value": "1", "metadata": null } } }))
}

/// An error with its causes, and no word of what is secret.
fn told(error: &Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        told.push_str(&format!(": {source}"));
        cause = source.source();
    }
    for shown in [told.as_str(), &format!("{error:?}")] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    told
}

#[tokio::test]
async fn a_busy_server_is_asked_again() -> Test {
    for retry_after in [None, Some("7")] {
        let server = Server::start(move |number, _| match (number, retry_after) {
            (0 | 1, None) => refused(429, 10_013, "slow down"),
            (0 | 1, Some(seconds)) => refused(429, 971, "slow down").with_header("retry-after", seconds),
            _ => found(),
        })
        .await;
        assert!(server.store().read(&key("user:1")).await?.is_some());
        assert_eq!(server.requests().len(), 3);
        let pauses = server.pauses.lock().expect("nothing panics").clone();
        match retry_after {
            None => assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(1)), "{pauses:?}"),
            Some(_) => assert_eq!(pauses, [Duration::from_secs(7); 2]),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_busy_for_long_is_told_at_once() -> Test {
    let server = Server::start(|_, _| refused(429, 971, "slow down").with_header("retry-after", "300")).await;
    let error = server.store().put(key("user:1"), record()).await.expect_err("it is busy");
    // It was not done, so a retry is safe.
    assert!(error.is_retryable() && matches!(error, Error::Store { .. }), "{error:?}");
    let told = told(&error);
    assert!(told.contains("status 429") && told.contains("after 300 s"), "{told}");
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_at_once() -> Test {
    let server =
        Server::start(|_, _| refused(429, 10_048, "your account has exceeded its daily limit")).await;
    let store = server.store();
    let read = store.read(&key("user:1")).await.expect_err("nothing is left");
    let written = store.put(key("user:1"), record()).await.expect_err("nothing is left");
    for error in [read, written] {
        assert!(matches!(error, Error::Store { .. }) && !error.is_retryable(), "{error:?}");
        let told = told(&error);
        assert!(told.contains("used up its plan's quota for today") && told.contains("10048"), "{told}");
    }
    // Each was asked for once.
    assert_eq!(server.requests().len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_read_by_halves() -> Test {
    let server = Server::start(|_, request| {
        let keys = request.json()["keys"].as_array().cloned().unwrap_or_default();
        if keys.len() > 3 {
            return refused(413, 10_000, "too large");
        }
        let found =
            keys.iter().map(|key| (key.as_str().unwrap_or_default().to_owned(), json!({ "value": "1" })));
        ok(json!({ "values": Value::Object(found.collect()) }))
    })
    .await;
    let keys: Vec<Key> = (0..10).map(|number| key(&format!("user:{number}"))).collect();
    let found = server.store().read_many(&keys).await?;
    assert_eq!(found.iter().flatten().count(), 10);
    // 10, 5, 2, 3, 5, 2, 3.
    assert_eq!(server.requests().len(), 7);
    Ok(())
}

/// Each of these answers, again and again: a read may be tried later, and of a write nobody knows
/// whether it was done.
#[tokio::test]
async fn a_failing_server_is_told() -> Test {
    type Fault = fn() -> Answer;
    let faults: [(&str, Fault); 5] = [
        ("status 500", || text(500, "")),
        ("status 503", || text(503, "<html>")),
        ("connection", || Answer::Cut),
        ("connection", || Answer::CutInside),
        ("no answer of Cloudflare's API", || text(200, "<html>captive portal</html>")),
    ];
    for (words, fault) in faults {
        let server = Server::start(move |_, _| fault()).await;
        let store = server.options().attempts(3).open()?;
        let error = store.read(&key("user:1")).await.expect_err("it fails");
        assert!(matches!(error, Error::Store { .. }) && error.is_retryable(), "{words}: {error:?}");
        let words_of_read = told(&error);
        assert!(words_of_read.contains(words) && words_of_read.contains("3 times"), "{words_of_read}");
        assert!(!words_of_read.contains("captive"), "{words_of_read}");
        let error = store.put(key("user:1"), record()).await.expect_err("it fails");
        assert!(matches!(error, Error::OutcomeUnknown { .. }) && !error.is_retryable(), "{words}: {error:?}");
        assert!(told(&error).contains(words), "{}", told(&error));
        let error = store.delete_many(vec![key("user:1"), key("user:2")]).await.expect_err("it fails");
        let Error::Partial { written: 0, source, .. } = error else {
            return Err(format!("{error:?}").into());
        };
        assert!(matches!(*source, Error::OutcomeUnknown { .. }), "{source:?}");
        assert_eq!(server.requests().len(), 9);
    }
    Ok(())
}

#[tokio::test]
async fn one_fault_is_got_over() -> Test {
    let server = Server::start(|number, _| match number {
        0 => Answer::Cut,
        1 => Answer::CutInside,
        2 => text(502, "bad gateway"),
        3 => text(200, "not JSON"),
        _ => found(),
    })
    .await;
    assert!(server.store().read(&key("user:1")).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_has_done_nothing() -> Test {
    // Port 1 of this machine: nobody listens there.
    let store =
        CloudflareStore::options("a", "n", TOKEN).base_url("http://127.0.0.1:1").attempts(1).open()?;
    let error = store.put(key("user:1"), record()).await.expect_err("nobody listens");
    assert!(matches!(error, Error::Store { .. }) && error.is_retryable(), "{error:?}");
    assert!(!told(&error).contains("accounts"), "the address holds keys: {}", told(&error));
    Ok(())
}

#[tokio::test]
async fn a_refused_token_is_told_once() -> Test {
    for status in [401, 403] {
        let server = Server::start(move |_, _| refused(status, 10_000, "Authentication error")).await;
        let error = server.store().read(&key("user:1")).await.expect_err("it is refused");
        assert!(!error.is_retryable(), "{error:?}");
        let shown = error.to_string();
        assert!(
            shown.contains("failed to read") && shown.contains("refused the token: it has to"),
            "{shown}"
        );
        let told = told(&error);
        assert_eq!(told.matches("refused the token").count(), 1, "{told}");
        for words in ["token", "Workers KV Storage", "code 10000", "Authentication error"] {
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(server.requests().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_no_absent_key() -> Test {
    let server = Server::start(|_, request| match request.line.ends_with("bulk/get") {
        true => refused(413, 10_000, "too large"),
        false => refused(404, 10_013, "get namespace: 'namespace not found'"),
    })
    .await;
    let error = server.store().read(&key("user:1")).await.expect_err("there is no namespace");
    assert!(told(&error).contains("no such namespace"), "{}", told(&error));
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_has_expired_is_told() -> Test {
    let server = Server::start(|number, _| match number {
        0 => text(200, r#"{"success":true,"result":[{"name":"user:1"}],"result_info":{"cursor":"old"}}"#),
        _ => refused(400, 10_043, "list keys: 'cursor is not valid'"),
    })
    .await;
    let store = server.store();
    let query = ListQuery::new(key("user:"));
    let cursor = store.page(&query.clone().with_content(kv_runtime::store::Content::Keys)).await?.cursor;
    let listed = store.page(&query.with_cursor(cursor)).await;
    assert!(matches!(listed, Err(Error::InvalidCursor { .. })), "{listed:?}");
    // Without a cursor it is the request that is wrong.
    let listed = store.page(&ListQuery::new(key("user:"))).await;
    assert!(matches!(listed, Err(Error::Store { retryable: false, .. })), "{listed:?}");
    Ok(())
}

fn keys_of(request: &Request) -> Vec<String> {
    let keys = request.json();
    let name = |item: &Value| item.as_str().or(item["key"].as_str()).unwrap_or_default().to_owned();
    keys.as_array().into_iter().flatten().map(name).collect()
}

#[tokio::test]
async fn keys_that_a_batch_did_not_take_are_sent_again() -> Test {
    let server = Server::start(|number, request| {
        let keys = keys_of(request);
        let not_taken = if number == 0 { &keys[1..3] } else { &[] };
        ok(json!({ "successful_key_count": keys.len() - not_taken.len(), "unsuccessful_keys": not_taken }))
    })
    .await;
    let records = (0..4).map(|number| (key(&format!("user:{number}")), record()));
    server.store().put_many(records.collect()).await?;
    let sent: Vec<Vec<String>> = server.requests().iter().map(keys_of).collect();
    assert_eq!(sent[1..], [["user:1", "user:2"].map(str::to_owned)]);
    Ok(())
}

#[tokio::test]
async fn keys_that_no_batch_takes_are_told_one_by_one() -> Test {
    let server = Server::start(|_, request| {
        let refused: Vec<String> =
            keys_of(request).into_iter().filter(|key| key.ends_with(['1', '3'])).collect();
        ok(json!({ "unsuccessful_keys": refused }))
    })
    .await;
    let store = server.options().attempts(3).open()?;
    // The place 0 is written again at 5, and so is done with it.
    let keys = ["user:0", "user:1", "user:2", "user:3", "user:4", "user:0"].map(key);
    let written = store.put_many(keys.iter().map(|key| (key.clone(), record())).collect()).await;
    let Err(Error::Partial { written: 1, also, at, source, .. }) = written else {
        return Err(format!("{written:?}").into());
    };
    assert_eq!((also, at.key.as_deref()), (vec![2, 4, 5], Some("user:1")));
    assert!(source.is_retryable() && told(&source).contains("2 keys"), "{}", told(&source));
    assert_eq!(server.requests().len(), 3);
    let deleted = store.delete_many(keys.to_vec()).await;
    assert!(matches!(deleted, Err(Error::Partial { written: 1, .. })), "{deleted:?}");
    Ok(())
}

/// The error says which positions were done before a request failed.
#[tokio::test]
async fn a_batch_that_fails_in_its_middle_says_what_was_written() -> Test {
    let server = Server::start(|number, _| match number {
        0 => ok(json!({ "unsuccessful_keys": [] })),
        _ => refused(400, 10_001, "no"),
    })
    .await;
    let records = (0..10_002).map(|number| (key(&format!("user:{number:05}")), record()));
    let written = server.store().put_many(records.collect()).await;
    let Err(Error::Partial { written: 10_000, also, .. }) = written else {
        return Err(format!("{written:?}").into());
    };
    assert!(also.is_empty());
    Ok(())
}

#[derive(KvEntity)]
#[kv(prefix = "session")]
struct Session {
    #[kv(id, secret)]
    token: String,
    user: u64,
}

/// The server's own words may quote a key, and a key may be a secret.
#[tokio::test]
async fn the_servers_words_do_not_give_a_secret_id_away() -> Test {
    let server = Server::start(|_, _| refused(400, 10_001, "key 'session:hunter2' is bad")).await;
    let sessions = Kv::new(server.store()).collection::<Session>();
    let errors = [
        sessions.get("hunter2").await.map(drop),
        sessions.exists("hunter2").await.map(drop),
        sessions.put(&Session { token: "hunter2".to_owned(), user: 1 }).await,
        sessions.list().page().await.map(drop),
        sessions.delete("hunter2").await,
    ];
    for error in errors {
        let error = error.expect_err("it is refused");
        assert!(!told(&error).contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    Ok(())
}

#[test]
fn nothing_shows_the_token() -> Test {
    let options = CloudflareStore::options("account", "namespace", TOKEN);
    let store = options.clone().open()?;
    for shown in [format!("{options:?}"), format!("{store:?}"), format!("{:?}", Kv::new(store))] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    Ok(())
}

#[test]
fn options_that_cannot_be_are_told() {
    let options = |token: &str| CloudflareStore::options("account", "namespace", token);
    let wrong = [
        CloudflareStore::options("a/b", "namespace", TOKEN),
        CloudflareStore::options("account", "..", TOKEN),
        CloudflareStore::options("", "namespace", TOKEN),
        options(""),
        options("two\nlines"),
        // The token is not sent in the clear.
        options(TOKEN).base_url("http://example.com/client/v4"),
        options(TOKEN).base_url("https://example.com/?x=1"),
        options(TOKEN).base_url("example.com"),
    ];
    for wrong in wrong {
        let error = wrong.open().expect_err("it cannot be");
        assert!(matches!(error, Error::InvalidOptions { .. }) && !error.is_retryable(), "{error:?}");
        told(&error);
    }
    assert!(options(TOKEN).base_url("https://example.com/client/v4/").open().is_ok());
}
