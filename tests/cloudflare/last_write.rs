//! Changes on a store that tells neither whether a record has changed nor, when it is read, when it expires.

use std::sync::Mutex;
use std::time::Duration;

use kv_runtime::migrate::WriteBack;
use kv_runtime::{Clock, Error, Kv, KvEntity};
use serde_json::{Value, json};

use super::Test;
use super::server::{Answer, Request, Server, ok, text};

#[derive(KvEntity, Debug, PartialEq)]
#[kv(prefix = "page", version = 2)]
struct Page {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2, default = 0_u64))]
    views: u64,
}

/// A server with one record that JavaScript wrote, which its list shows so.
async fn server(listed: Value) -> Server {
    Server::start(move |_, request: &Request| -> Answer {
        if request.line.ends_with("bulk/get") {
            return ok(json!({ "values": { "page:1": { "value": "{}", "metadata": { "theirs": 1 } } } }));
        }
        if request.line.contains("/keys?") {
            return ok(listed.clone());
        }
        ok(json!({ "unsuccessful_keys": [] }))
    })
    .await
}

fn now() -> u64 {
    Clock::system().now().as_millis() / 1_000
}

#[tokio::test]
async fn an_expiry_is_learnt_before_it_is_kept() -> Test {
    let at = now() + 600;
    let server = server(json!([{ "name": "page:1", "expiration": at, "metadata": { "theirs": 1 } }])).await;
    let pages = Kv::new(server.store()).collection::<Page>();
    assert_eq!(pages.update_last_write_wins(1, |page| page.views += 1).await?, Page { id: 1, views: 1 });
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let put = &requests[2].json()[0];
    assert_eq!((&put["metadata"]["theirs"], &put["metadata"]["version"]), (&json!(1), &json!(2)));
    assert_eq!(put["metadata"]["expiresAt"], at * 1_000);
    assert!(put["expiration_ttl"].as_u64().is_some_and(|ttl| (590..=600).contains(&ttl)), "{put}");

    // What says itself when it expires has nothing to learn.
    let pages = pages.with_ttl(Duration::from_secs(100));
    pages.update_last_write_wins(1, |page| page.views += 1).await?;
    let lists = || server.lines().iter().filter(|line| line.contains("/keys?")).count();
    assert_eq!(lists(), 1, "{:?}", server.lines());
    // A touch has: it shortens no life, and this record lives longer.
    assert!(pages.touch_last_write_wins(1).await?);
    assert_eq!(lists(), 2, "{:?}", server.lines());
    let puts = server.lines().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 2, "{:?}", server.lines());
    Ok(())
}

/// A list that does not show the record yet, or shows another one, does not tell when this one expires.
#[tokio::test]
async fn what_cannot_be_learnt_is_not_written() -> Test {
    let other = json!([{ "name": "page:1", "metadata": { "theirs": 2 } }]);
    for listed in [json!([]), other] {
        let server = server(listed).await;
        let kv = Kv::new(server.store()).with_write_back(WriteBack::MayResurrect);
        let pages = kv.collection::<Page>();
        let error =
            pages.update_last_write_wins(1, |page| page.views += 1).await.expect_err("it is not known");
        assert!(matches!(error, Error::ExpiryUnknown { .. }) && error.is_retryable(), "{error:?}");
        assert_eq!(
            error.to_string(),
            "Page `page:1` in cloudflare-kv: the store does not know when the record expires, and a rewrite could keep it forever; \
             nothing was written; retry in a minute, or `put` it with an expiry"
        );
        // A read does not fail for it.
        assert_eq!(pages.get(1).await?, Some(Page { id: 1, views: 0 }));
        assert_eq!((kv.write_back_stats().failed, kv.write_back_stats().written), (1, 0));
        assert!(server.lines().iter().all(|line| !line.starts_with("PUT")));
    }
    Ok(())
}

/// What a write-back reads of the expiry is not asked for where nothing is written back.
#[tokio::test]
async fn a_read_is_one_request_whatever_is_to_be_migrated() -> Test {
    let server = server(json!([])).await;
    let pages = Kv::new(server.store()).collection::<Page>();
    assert_eq!(pages.get(1).await?, Some(Page { id: 1, views: 0 }));
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_change_of_nothing_writes_nothing() -> Test {
    let server = Server::start(|_, _| {
        let page = json!({ "value": r#"{"views":3}"#, "metadata": { "version": 2 } });
        ok(json!({ "values": { "page:1": page } }))
    })
    .await;
    let pages = Kv::new(server.store()).collection::<Page>();
    assert_eq!(pages.update_last_write_wins(1, |_| ()).await?.views, 3);
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

/// Of an entity of several groups the anchor is written last.
#[tokio::test]
async fn groups_are_written_before_their_anchor() -> Test {
    #[derive(KvEntity)]
    #[kv(prefix = "user", group = "profile")]
    #[kv(group(name = "settings", view = "Settings"))]
    struct User {
        #[kv(id)]
        id: u64,
        name: String,
        #[kv(group = "settings")]
        dark: bool,
    }
    let sent: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    let server = Server::start(|_, request: &Request| {
        if request.line.ends_with("bulk/get") {
            return text(200, r#"{"success":true,"result":{"values":{}}}"#);
        }
        let key = request.json()[0]["key"].as_str().unwrap_or_default().to_owned();
        sent.lock().expect("nothing panics in here").push(key);
        ok(json!({}))
    })
    .await;
    let users = Kv::new(server.store()).collection::<User>();
    let create = || User { id: 1, name: "Ada".to_owned(), dark: true };
    users.upsert_last_write_wins(1, create, |_| ()).await?;
    assert_eq!(*sent.lock().expect("nothing panics in there"), ["user:1:settings", "user:1:profile"]);
    Ok(())
}
