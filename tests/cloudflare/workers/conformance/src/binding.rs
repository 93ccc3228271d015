//! A binding as production has it where the local runtime does not: what it throws, and what it is
//! asked.

use std::cell::OnceCell;
use std::thread::LocalKey;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord};
use kv_runtime::store::{ListQuery, StoreExt, WorkersStore};
use kv_runtime::{Kv, KvEntity};
use serde_json::{Value, json};
use worker::js_sys::{self, JSON, Object, Reflect};
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env};

use super::{failed, told};

#[derive(KvEntity)]
#[kv(prefix = "hot")]
struct Hot {
    #[kv(id)]
    id: u64,
    name: String,
}

thread_local! {
    /// What all requests of the isolate share.
    static HOT: OnceCell<Cached<Hot, WorkersStore>> = const { OnceCell::new() };
    static AHEAD: OnceCell<Cached<Hot, WorkersStore>> = const { OnceCell::new() };
    static BEHIND: OnceCell<Cached<Hot, WorkersStore>> = const { OnceCell::new() };
}

/// `tests/cloudflare/workers` counts the reads of KV for each of these.
const AHEAD_TTL: Duration = Duration::from_secs(2);

pub(super) async fn answer(env: &Env, context: Context, path: &str) -> worker::Result<Value> {
    match path.trim_start_matches("/binding/") {
        "hot" => hot(env).await,
        "ahead" => ahead(env, context, &AHEAD, (AHEAD_TTL, 0.95)).await,
        "behind" => ahead(env, context, &BEHIND, (Duration::from_secs(60), 0.02)).await,
        "quota" => thrown("KV put() limit exceeded for the day.").await,
        "calls" => thrown("Too many API requests by single Worker invocation.").await,
        "cache-ttl" => cache_ttl().await,
        "mark" => mark(env).await,
        "cursors" => cursors(env).await,
        path => Ok(json!({ "error": format!("there is nothing at {path}") })),
    }
}

/// Reads an entity through the isolate's cache, in front of the namespace that the test slows down.
async fn hot(env: &Env) -> worker::Result<Value> {
    let store = WorkersStore::new(env, "FAULTY").map_err(told)?;
    let hot = HOT.with(|hot| {
        let cache = Cache::new().memory_ttl(Duration::from_secs(60)).without_filling();
        hot.get_or_init(|| Kv::new(store).collection().cached(cache)).clone()
    });
    let read = hot.get(7).await.map_err(told)?;
    Ok(json!({ "name": read.map(|hot| hot.name.clone()) }))
}

/// The same by a cache that loads it again before its TTL has passed, behind the response.
async fn ahead(
    env: &Env,
    context: Context,
    isolate: &'static LocalKey<OnceCell<Cached<Hot, WorkersStore>>>,
    (ttl, share): (Duration, f64),
) -> worker::Result<Value> {
    let store = WorkersStore::new(env, "FAULTY").map_err(told)?;
    let ahead = isolate.with(|ahead| {
        let cache = Cache::new().memory_ttl(ttl).jitter(0.0).refresh_ahead(share).without_filling();
        ahead.get_or_init(|| Kv::new(store).collection().cached(cache)).clone()
    });
    let ahead = ahead.with_spawner(move |load| context.wait_until(load));
    let read = ahead.get(7).await.map_err(told)?;
    Ok(json!({ "name": read.map(|hot| hot.name.clone()) }))
}

/// A Worker's environment whose binding `KV` throws what is made of the arguments of a call.
fn throwing(throw: impl Fn(&JsValue, &JsValue) -> String + Clone + 'static) -> worker::Result<Env> {
    let (env, namespace) = (Object::new(), Object::new());
    for method in ["getWithMetadata", "put", "delete", "list"] {
        let throw = throw.clone();
        let call = Closure::<dyn FnMut(JsValue, JsValue) -> Result<JsValue, JsValue>>::new(
            move |first: JsValue, second: JsValue| Err(js_sys::Error::new(&throw(&first, &second)).into()),
        );
        Reflect::set(&namespace, &method.into(), &call.into_js_value())?;
    }
    Reflect::set(&env, &"KV".into(), &namespace)?;
    Ok(env.unchecked_into())
}

/// How a read and a write tell of it.
async fn thrown(message: &'static str) -> worker::Result<Value> {
    let store = WorkersStore::new(&throwing(move |_, _| message.to_owned())?, "KV").map_err(told)?;
    let key = Key::from_text("a:1");
    let write = store.put(key.clone(), NewRecord::new("1", Metadata::default())).await.err();
    let read = store.read_many(&[key]).await.err();
    Ok(json!({ "write": failed(write), "read": failed(read) }))
}

/// What a read asks with a TTL of the copies near the reader, and how one is refused that is too
/// short.
async fn cache_ttl() -> worker::Result<Value> {
    let asked = |_: &JsValue, how: &JsValue| JSON::stringify(how).map(String::from).unwrap_or_default();
    let store = WorkersStore::new(&throwing(asked)?, "KV").map_err(told)?;
    let slow = store.clone().with_cache_ttl(Duration::from_secs(3_600)).map_err(told)?;
    let key = Key::from_text("a:1");
    Ok(json!({
        "unset": failed(store.read(&key).await.err())["source"],
        "set": failed(slow.read(&key).await.err())["source"],
        "short": failed(store.with_cache_ttl(Duration::from_secs(29)).err())["error"],
    }))
}

/// A value that begins with a byte order mark, as some programs write it.
async fn mark(env: &Env) -> worker::Result<Value> {
    let marked = "{\"name\":\"Ada\"}";
    env.kv("KV_0")?.put_bytes("hot:1", format!("\u{FEFF}{marked}").as_bytes())?.execute().await?;
    let hot = Kv::new(WorkersStore::new(env, "KV_0").map_err(told)?).collection::<Hot>();
    let alone = hot.get(1).await.map_err(told)?.map(|hot| hot.name);
    let many = hot.get_many([1]).await.map_err(told)?.pop().flatten().map(|hot| hot.name);
    Ok(json!([alone, many]))
}

/// A cursor of one namespace, handed to another one.
async fn cursors(env: &Env) -> worker::Result<Value> {
    let [one, other] = ["KV_0", "KV_1"].map(|binding| WorkersStore::new(env, binding).map_err(told));
    let (one, other) = (one?, other?);
    for number in 0..3 {
        let record = NewRecord::new("1", Metadata::default());
        one.put(Key::from_text(format!("c:{number}")), record).await.map_err(told)?;
    }
    let query = ListQuery::new(Key::from_text("c:")).with_limit(2);
    let cursor = one.page(&query).await.map_err(told)?.cursor;
    let query = query.with_cursor(cursor);
    let rest = one.page(&query).await.map_err(told)?.keys().count();
    Ok(json!({ "own": rest, "other": failed(other.page(&query).await.err())["error"] }))
}
