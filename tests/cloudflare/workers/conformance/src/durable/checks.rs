//! What a Durable Object promises beside the suite.

use std::time::Duration;

use futures_util::future::join_all;
use kv_runtime::key::Key;
use kv_runtime::record::{Expiry, Metadata, NewRecord, Record};
use kv_runtime::store::{
    Commit, Condition, DurableClient, DurableStore, Expect, ListQuery, Shards, Store, StoreExt, Write,
};
use kv_runtime::{Error, Kv, KvEntity};
use serde_json::{Value, json};
use worker::{Env, Method, SqlStorageValue, State};

use super::super::{failed, speed, told};
use super::calls;
use super::objects::TABLE;
use super::{CLOCK, client};

#[derive(KvEntity)]
#[kv(prefix = "counter")]
struct Counter {
    #[kv(id)]
    name: String,
    count: u64,
}

fn record(value: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord::new(value.into(), Metadata::default())
}

fn keys<const N: usize>(texts: [&str; N]) -> [Key; N] {
    texts.map(Key::from_text)
}

/// How many updates are made at once.
const AT_ONCE: usize = 16;

/// What a path asks of the object.
pub(super) async fn inside(state: &State, store: &DurableStore, path: &str) -> worker::Result<Value> {
    match path {
        "/broken" => {
            // The table is made by the first call.
            store.read(&Key::from_text("a")).await.map_err(told)?;
            // What a full disk would do, at the third key.
            let refuse = format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON {TABLE} WHEN NEW.key = 'a:3' \
                 BEGIN SELECT RAISE(ABORT, 'it is refused'); END"
            );
            state.storage().sql().exec(&refuse, None)?;
            broken(store).await.map_err(told)
        }
        "/calls" => calls::inside(store).await.map_err(told),
        "/refuse" => {
            store.read(&Key::from_text("a")).await.map_err(told)?;
            let refuse = format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON {TABLE} BEGIN SELECT RAISE(ABORT, 'it is refused'); END"
            );
            state.storage().sql().exec(&refuse, None)?;
            Ok(Value::Null)
        }
        "/sweep" => sweep(state, store).await,
        "/speed" => speed::inside(state, store).await,
        path => Ok(json!({ "error": format!("there is nothing at {path}") })),
    }
}

/// A commit of which the last write cannot be made: nothing of it is.
async fn broken(store: &DurableStore) -> kv_runtime::Result<Value> {
    let [first, second, third] = keys(["a:1", "a:2", "a:3"]);
    store.put(first.clone(), record("1")).await?;
    let writes = vec![
        Write::Update(first.clone(), record("2")),
        Write::Put(second.clone(), record("2")),
        Write::Put(third, record("2")),
    ];
    let error = store.commit(vec![Condition::new(first.clone(), Expect::Present)], writes.into()).await.err();
    let value = |record: Record| String::from_utf8_lossy(&record.value).into_owned();
    let read = store.read_many(&[first, second]).await?;
    let read: Vec<_> = read.into_iter().map(|record| record.map(value)).collect();
    Ok(json!({ "failed": failed(error), "read": read }))
}

/// How many rows there are, and when the alarm goes off, before and after a sweep.
async fn sweep(state: &State, store: &DurableStore) -> worker::Result<Value> {
    let rows = || -> worker::Result<i64> {
        let mut counted = state.storage().sql().exec(&format!("SELECT count(*) FROM {TABLE}"), None)?.raw();
        match counted.next().transpose()?.as_deref() {
            Some([SqlStorageValue::Integer(count)]) => Ok(*count),
            _ => Err("there is no count".into()),
        }
    };
    // More than one sweep removes.
    for number in 0..1_003 {
        let expiring = record("1").with_expiry(Expiry::After(Duration::from_secs(90)));
        store.put(Key::from_text(format!("e:{number}")), expiring).await.map_err(told)?;
    }
    store.put(Key::from_text("e:stays"), record("1")).await.map_err(told)?;
    let set_for = state.storage().get_alarm().await?;
    let (before, now) = (rows()?, store.clock().now().as_millis());
    CLOCK.with(|clock| clock.advance(Duration::from_secs(91)));
    let expired = rows()?;
    store.sweep().await?;
    let swept = rows()?;
    let set_again = state.storage().get_alarm().await?;
    let seconds =
        |alarm: Option<i64>, now: u64| alarm.map(|alarm| (alarm as u64).saturating_sub(now) / 1_000);
    Ok(json!({
        "rows": [before, expired, swept],
        "seconds_to_alarm": seconds(set_for, now),
        "seconds_to_next": seconds(set_again, store.clock().now().as_millis()),
    }))
}

/// What a path asks of clients.
pub(super) async fn outside(env: &Env, path: &str) -> worker::Result<Value> {
    match path {
        "across" => across(env).await.map_err(told),
        "count" => count(env).await.map_err(told),
        "shards" => shards(env).await.map_err(told),
        "partial" => partial(env).await,
        "form" => form(env).await,
        "no-binding" => Ok(failed(DurableClient::new(env, "NOWHERE", Shards::one("x")).err())),
        path => Ok(json!({ "error": format!("there is nothing at {path}") })),
    }
}

/// Calls that would need two objects are refused, and none of it is done.
async fn across(env: &Env) -> kv_runtime::Result<Value> {
    let store = client(env, Shards::by_segments(2))?;
    let [one, other] = keys(["across:1", "across:2"]);
    let absent = |key: &Key| Condition::new(key.clone(), Expect::Absent);
    let put = |key: &Key| Write::Put(key.clone(), record("1"));
    let commits = [
        store.commit(vec![absent(&one)], vec![put(&one), put(&other)].into()).await,
        store.commit(vec![absent(&one), absent(&other)], put(&one).into()).await,
    ];
    let list = store.page(&ListQuery::new(Key::from_text("across:"))).await.err();
    let there: Vec<bool> =
        store.read_many(&[one, other]).await?.into_iter().map(|record| record.is_some()).collect();
    let commits: Vec<Value> = commits.into_iter().map(|commit| failed(commit.err())).collect();
    Ok(json!({ "commits": commits, "list": failed(list), "there": there }))
}

/// Updates of one record by many callers at once, over clients.
async fn count(env: &Env) -> kv_runtime::Result<Value> {
    let counters = Kv::new(client(env, Shards::by_segments(2))?).collection::<Counter>();
    counters.put(&Counter { name: "c".to_owned(), count: 0 }).await?;
    let updates = (0..AT_ONCE).map(|_| counters.update("c", |counter| counter.count += 1));
    for updated in join_all(updates).await {
        updated?;
    }
    Ok(json!(counters.get("c").await?.map(|counter| counter.count)))
}

/// Batches over several objects, and a commit of several keys in one.
async fn shards(env: &Env) -> kv_runtime::Result<Value> {
    let store = client(env, Shards::by_segments(2))?;
    let many: Vec<Key> = (0..20).map(|number| Key::from_text(format!("s:{number}:g"))).collect();
    store.put_many(many.iter().map(|key| (key.clone(), record(key.as_str()))).collect()).await?;
    let read = store.read_many(&many).await?;
    let right = read
        .iter()
        .zip(&many)
        .all(|(read, key)| read.as_ref().is_some_and(|read| *read.value == *key.as_str().as_bytes()));
    let [one, other] = keys(["s:1:g", "s:1:h"]);
    let both = vec![Write::Put(one.clone(), record("x")), Write::Put(other.clone(), record("y"))];
    let done = store.commit(vec![Condition::new(other.clone(), Expect::Absent)], both.into()).await?;
    let listed = store.page(&ListQuery::new(Key::from_text("s:1:"))).await?;
    let listed: Vec<String> = listed.keys().map(str::to_owned).collect();
    store.delete_many(many).await?;
    Ok(json!({
        "read": right,
        "commit": done == Commit::Done,
        "listed": listed,
        "left": [store.read(&one).await?.is_some(), store.read(&other).await?.is_some()],
    }))
}

/// A batch over three objects, of which one refuses its write.
async fn partial(env: &Env) -> worker::Result<Value> {
    super::ask(env, "p:2", "/refuse", Method::Get, None).await?;
    let keys = keys(["p:1", "p:2", "p:3"]);
    let store = client(env, Shards::by_segments(2)).map_err(told)?;
    let puts = keys.iter().map(|key| (key.clone(), record("1"))).collect();
    let error = store.put_many(puts).await.err();
    let parts = match &error {
        Some(Error::Partial { written, also, unknown, .. }) => json!([written, also, unknown]),
        _ => Value::Null,
    };
    let read = store.read_many(&keys).await.map_err(told)?;
    let there: Vec<bool> = read.iter().map(Option::is_some).collect();
    Ok(json!({ "failed": failed(error), "parts": parts, "there": there }))
}

/// What a store answers to a message of another form.
async fn form(env: &Env) -> worker::Result<Value> {
    let mut init = worker::RequestInit::new();
    init.with_method(Method::Post).with_body(Some("\u{7}?".into()));
    let request = worker::Request::new_with_init("https://object/kv-runtime", &init)?;
    let mut response = super::stub(env, "form")?.fetch_with_request(request).await?;
    let bytes = response.bytes().await?;
    Ok(json!({ "status": response.status_code(), "bytes": bytes }))
}
