//! What is sent to each endpoint of the public API: path and query, headers, body.

use std::time::Duration;

use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord};
use kv_runtime::store::{CloudflareStore, Content, ListQuery, StoreExt};
use kv_runtime::{Codec, Error, Timestamp};
use serde_json::{Value, json};

use super::Test;
use super::server::{Server, TOKEN, ok, refused, text};

const NAMESPACE: &str = "/client/v4/accounts/account-1/storage/kv/namespaces/namespace-1";

fn key(text: &str) -> Key {
    Key::from_text(text)
}

fn record(value: &'static str) -> NewRecord {
    NewRecord::new(value, Metadata::new(2, Codec::Json))
}

#[tokio::test]
async fn a_read_is_one_request_for_value_and_metadata() -> Test {
    let server = Server::start(|_, _| {
        let found = json!({ "value": r#"{"name":"Åda"}"#, "metadata": { "version": 3, "theirs": [1] } });
        ok(json!({ "values": { "user:a/b %é": found, "user:absent": null } }))
    })
    .await;
    let keys = [key("user:absent"), key("user:a/b %é"), key("user:left-out"), key("user:a/b %é")];
    let found = server.store().read_many(&keys).await?;
    assert!(found[0].is_none() && found[2].is_none());
    for found in [&found[1], &found[3]] {
        let found = found.as_ref().ok_or("it is there")?;
        assert_eq!(found.value[..], *r#"{"name":"Åda"}"#.as_bytes());
        assert_eq!((found.metadata.version, found.metadata.foreign("theirs")), (3, Some(&json!([1]))));
        assert!(!found.expiry_known);
    }
    let requests = server.requests();
    let [request] = &requests[..] else { return Err(format!("{requests:?}").into()) };
    assert_eq!(request.line, format!("POST {NAMESPACE}/bulk/get"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("kv-runtime/")));
    let asked = json!({ "keys": ["user:a/b %é", "user:absent", "user:left-out"], "type": "text", "withMetadata": true });
    assert_eq!(request.json(), asked);
    Ok(())
}

#[tokio::test]
async fn an_expiry_that_a_read_tells_is_known() -> Test {
    let server = Server::start(|_, _| {
        let found = json!({ "value": "1", "metadata": null, "expiration": 4_000_000_000.0 });
        ok(json!({ "values": { "user:1": found } }))
    })
    .await;
    let found = server.store().read(&key("user:1")).await?.ok_or("it is there")?;
    assert_eq!(found.expires_at, Some(Timestamp::from_millis(4_000_000_000_000)));
    assert!(found.expiry_known);
    Ok(())
}

#[tokio::test]
async fn a_write_is_plain_json_with_metadata_and_a_ttl() -> Test {
    let server =
        Server::start(|_, _| ok(json!({ "successful_key_count": 1, "unsuccessful_keys": [] }))).await;
    let store = server.store();
    let before = store.clock().now().as_millis();
    store.put(key("user:a/b %é"), record(r#"{"quote":"\"é"}"#)).await?;
    store.put(key("user:2"), record("2").with_expiry(Expiry::After(Duration::from_secs(90)))).await?;
    store.put(key("user:3"), record("3").with_expiry(Expiry::After(Duration::from_millis(1)))).await?;
    store.delete_many(vec![key("user:4"), key("user:5"), key("user:4")]).await?;

    let requests = server.requests();
    assert!(requests[..3].iter().all(|request| request.line == format!("PUT {NAMESPACE}/bulk")));
    let plain =
        json!([{ "key": "user:a/b %é", "value": r#"{"quote":"\"é"}"#, "metadata": { "version": 2 } }]);
    assert_eq!(requests[0].json(), plain);
    for (request, ttl) in [(&requests[1], 90), (&requests[2], 60)] {
        let put = &request.json()[0];
        assert_eq!(put["expiration_ttl"], ttl);
        assert!(put["metadata"]["expiresAt"].as_u64().is_some_and(|at| at > before), "{put}");
    }
    assert_eq!(requests[3].line, format!("POST {NAMESPACE}/bulk/delete"));
    assert_eq!(requests[3].json(), json!(["user:5", "user:4"]));
    Ok(())
}

#[tokio::test]
async fn the_query_of_a_list_is_escaped() -> Test {
    let server = Server::start(|number, _| {
        let keys: Vec<Value> =
            (0..3).map(|key| json!({ "name": format!("user:é /%?&#{number}{key}") })).collect();
        let mut answer: Value = json!({ "success": true, "errors": [], "result": keys });
        answer["result_info"] = json!({ "count": 3, "cursor": if number == 0 { "c+/=&%" } else { "" } });
        text(200, &answer.to_string())
    })
    .await;
    let store = server.store();
    let query = ListQuery::new(key("user:é /%?&#")).with_content(Content::Keys).with_limit(3);
    let first = store.page(&query).await?;
    let second = store.page(&query.clone().with_cursor(first.cursor.clone())).await?;
    assert_eq!((first.len(), second.len(), second.cursor), (3, 3, None));
    let prefix = "user%3A%C3%A9%20%2F%25%3F%26%23";
    assert_eq!(
        server.lines(),
        [
            format!("GET {NAMESPACE}/keys?limit=10&prefix={prefix}"),
            format!("GET {NAMESPACE}/keys?limit=10&prefix={prefix}&cursor=c%2B%2F%3D%26%25"),
        ]
    );
    Ok(())
}

/// A limit below the server's least is kept all the same, over pages that overlap.
#[tokio::test]
async fn a_page_may_be_smaller_than_the_servers() -> Test {
    let server = Server::start(|_, _| {
        let keys: Vec<Value> = (0..5).map(|number| json!({ "name": format!("user:{number}") })).collect();
        ok(json!(keys))
    })
    .await;
    let store = server.store();
    let query = ListQuery::new(key("user:")).with_content(Content::Keys).with_limit(2);
    let (mut shown, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.page(&query.clone().with_cursor(cursor)).await?;
        shown.extend(page.keys().map(str::to_owned));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(shown, ["user:0", "user:1", "user:2", "user:3", "user:4"]);
    assert_eq!(server.requests().len(), 3);
    Ok(())
}

/// The values of a page are read in parts, and those that it has no room for are left to the next
/// page.
#[tokio::test]
async fn a_page_ends_by_bytes() -> Test {
    let name = |number: u32| format!("user:{number:02}");
    let server = Server::start(move |_, request| {
        if request.line.starts_with("GET") {
            return ok(json!((0..40).map(|number| json!({ "name": name(number) })).collect::<Vec<_>>()));
        }
        let asked = request.json()["keys"].clone();
        let values = asked.as_array().into_iter().flatten().filter_map(Value::as_str);
        let values =
            values.map(|name| (name.to_owned(), json!({ "value": "x".repeat(1 << 10), "metadata": null })));
        ok(json!({ "values": Value::Object(values.collect()) }))
    })
    .await;
    let store = server.store();
    let mut query = ListQuery::new(key("user:")).with_max_bytes(20 << 10);
    let (mut lens, mut seen) = (Vec::new(), Vec::new());
    loop {
        let page = store.page(&query).await?;
        lens.push(page.len());
        let cursor = page.cursor.clone();
        page.for_each(|key, _| seen.push(key.to_owned()));
        if cursor.is_none() {
            break;
        }
        query = query.with_cursor(cursor);
    }
    assert_eq!(seen, (0..40).map(name).collect::<Vec<_>>());
    assert!(lens.iter().all(|len| (1..=21).contains(len)), "{lens:?}");
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_another_namespace_is_refused() -> Test {
    let server = Server::start(|_, _| {
        let answer =
            json!({ "success": true, "result": [{ "name": "user:1" }], "result_info": { "cursor": "c" } });
        text(200, &answer.to_string())
    })
    .await;
    let query = ListQuery::new(key("user:")).with_content(Content::Keys);
    let cursor = server.store().page(&query).await?.cursor;
    assert!(cursor.is_some());
    let other = CloudflareStore::options("account-1", "namespace-2", TOKEN).open()?;
    let listed = other.page(&query.with_cursor(cursor)).await;
    assert!(matches!(listed, Err(Error::InvalidCursor { .. })), "{listed:?}");
    Ok(())
}

#[tokio::test]
async fn head_lists_one_key() -> Test {
    let server = Server::start(|number, _| match number {
        // Keys that have gone leave empty pages.
        0 => text(200, r#"{"success":true,"result":[],"result_info":{"cursor":"next"}}"#),
        _ => ok(json!([
            { "name": "user:1", "expiration": 4_000_000_000_u64, "metadata": { "version": 4 } },
            { "name": "user:12" },
        ])),
    })
    .await;
    let head = server.store().head(&key("user:1")).await?.ok_or("it is there")?;
    assert_eq!(head.metadata.version, 4);
    assert_eq!(head.expires_at, Some(Timestamp::from_millis(4_000_000_000_000)));
    assert!(server.lines()[1].ends_with("/keys?limit=10&prefix=user%3A1&cursor=next"));
    assert!(server.store().head(&key("user:")).await?.is_none());
    Ok(())
}

/// A value that is too long for the answer of a bulk read is read by itself, between two reads of
/// its metadata.
#[tokio::test]
async fn a_long_value_is_read_between_its_metadata() -> Test {
    let server = Server::start(|number, request| match request.line.split('/').nth_back(1) {
        Some("bulk") => refused(413, 10_000, "too large"),
        // It is overwritten during the first read.
        Some("metadata") => ok(json!({ "version": if number == 1 { 1 } else { 2 } })),
        _ => text(200, "value").with_header("expiration", "4000000000"),
    })
    .await;
    let found = server.store().read(&key("user:a/b %é:..")).await?.ok_or("it is there")?;
    assert_eq!((&found.value[..], found.metadata.version), (&b"value"[..], 2));
    assert_eq!(found.expires_at, Some(Timestamp::from_millis(4_000_000_000_000)));
    let escaped = "user%3Aa%2Fb%20%25%C3%A9%3A..";
    let (metadata, value) =
        (format!("GET {NAMESPACE}/metadata/{escaped}"), format!("GET {NAMESPACE}/values/{escaped}"));
    assert_eq!(server.lines()[1..], [&metadata, &value, &metadata, &value, &metadata].map(String::clone));
    Ok(())
}

/// A bulk read gives text; a value of other bytes, which a Worker may write, is read by itself.
#[tokio::test]
async fn a_value_that_is_no_text_is_read_as_it_is() -> Test {
    let server = Server::start(|_, request| match request.line.split('/').nth_back(1) {
        Some("bulk") => ok(json!({ "values": { "user:1": { "value": "a\u{FFFD}", "metadata": null } } })),
        Some("metadata") => ok(Value::Null),
        _ => text(200, "bytes"),
    })
    .await;
    let found = server.store().read(&key("user:1")).await?.ok_or("it is there")?;
    assert_eq!(found.value[..], *b"bytes");
    assert_eq!(server.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn large_batches_are_split() -> Test {
    let server = Server::start(|_, request| {
        if request.line.ends_with("bulk/get") {
            return ok(json!({ "values": {} }));
        }
        ok(json!({ "unsuccessful_keys": [] }))
    })
    .await;
    let store = server.store();
    let keys: Vec<Key> = (0..10_001).map(|number| key(&format!("user:{number:05}"))).collect();
    store.read_many(&keys[..250]).await?;
    store.put_many(keys.iter().map(|key| (key.clone(), record("1"))).collect()).await?;
    store.delete_many(keys.clone()).await?;
    // 21 MB of control characters are 126 MB of JSON.
    let long = "\u{1}".repeat(7_000_000);
    let long = keys[..3].iter().map(|key| (key.clone(), NewRecord::new(long.clone(), Metadata::default())));
    store.put_many(long.collect()).await?;
    // Every key of this test, in whatever place.
    let sent = |request: &super::server::Request| request.body.matches("\"user:").count();
    let requests = server.requests();
    let mut reads: Vec<usize> = requests[..3].iter().map(sent).collect();
    reads.sort_unstable();
    assert_eq!(reads, [50, 100, 100]);
    let sent: Vec<usize> = requests[3..].iter().map(sent).collect();
    assert_eq!(sent, [10_000, 1, 10_000, 1, 2, 1]);
    assert!(requests.iter().all(|request| request.body.len() <= 100_000_000));
    Ok(())
}

#[tokio::test]
async fn limits_are_checked_before_anything_is_sent() -> Test {
    let server = Server::start(|_, _| ok(json!(null))).await;
    let store = server.store();
    for text in ["", ".", ".."] {
        let put = store.put(key(text), record("1")).await;
        assert!(matches!(put, Err(Error::Unsupported { .. })), "{put:?}");
        assert!(matches!(store.delete(key(text)).await, Err(Error::Unsupported { .. })));
    }
    let long = NewRecord::new("x".repeat((25 << 20) + 1), Metadata::default());
    assert!(matches!(store.put(key("user:1"), long).await, Err(Error::ValueTooLong { max: 26_214_400, .. })));
    let mut metadata = Metadata::default();
    metadata.set_foreign("pad", "x".repeat(1_024).into())?;
    let long = store
        .put_many(vec![(key("user:1"), record("1")), (key("user:2"), NewRecord::new("1", metadata))])
        .await;
    let Err(Error::Partial { written: 0, also, source, .. }) = long else {
        return Err(format!("{long:?}").into());
    };
    assert!(also.is_empty() && matches!(*source, Error::MetadataTooLong { max: 1_024, .. }), "{source:?}");
    assert!(server.requests().is_empty());
    let limits = store.capabilities().limits;
    assert_eq!((limits.key, limits.value, limits.metadata), (512, 25 << 20, 1_024));
    assert_eq!((limits.least_ttl, limits.server_ttl), (None, Some(Duration::from_secs(60))));
    Ok(())
}

/// The page that specifies how records lie there, and this program, both ways.
#[tokio::test]
async fn records_are_spelt_as_the_wire_format_says() -> Test {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/kv-runtime/docs/wire-format.md"))?;
    let block = page.split("```json cloudflare\n").nth(1).and_then(|rest| rest.split("```").next());
    let vectors: Vec<Value> = serde_json::from_str(block.ok_or("the page has the block")?)?;
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let stored = json!({ "value": vector["value"], "metadata": vector["metadata"] });
        let found = stored.clone();
        let server = Server::start(move |_, request| match request.line.ends_with("bulk/get") {
            true => ok(json!({ "values": { "user:1": found } })),
            false => ok(json!({})),
        })
        .await;
        let store = server.store();
        let record = store.read(&key("user:1")).await?.ok_or("it is there")?;
        let expected = &vector["record"];
        let value = match (expected["text"].as_str(), expected["hex"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, hex) => from_hex(hex.ok_or("it has a value")?),
        };
        assert_eq!(record.value[..], value, "{vector}");
        assert_eq!(record.metadata, Metadata::from_json(expected["metadata"].to_string().as_bytes())?);
        assert_eq!(record.expires_at.map(Timestamp::as_millis), expected["expiresAt"].as_u64(), "{vector}");

        let expiry = record.expires_at.map_or(Expiry::Never, Expiry::At);
        store.put(key("user:1"), NewRecord::new(value, record.metadata).with_expiry(expiry)).await?;
        let put = server.requests()[1].json()[0].take();
        assert_eq!(json!({ "value": put["value"], "metadata": put["metadata"] }), stored);
        assert_eq!(put["expiration_ttl"].is_u64(), record.expires_at.is_some());
    }
    Ok(())
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
