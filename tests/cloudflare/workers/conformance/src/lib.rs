//! A Worker with the conformance suite of stores, and with tests that run only inside workerd.
//! `tests/cloudflare/workers` calls it over HTTP.

mod binding;
mod durable;
mod faulty;
mod namespaces;
mod speed;

use std::cell::Cell;

use kv_runtime::conformance;
use kv_runtime::key::Key;
use kv_runtime::record::{Metadata, NewRecord, Record, Revision};
use kv_runtime::store::{AtomicStore, DurableClient, DurableStore, MemoryStore, StoreExt, WorkersStore};
use kv_runtime::{Collection, Kv, KvEntity};
use serde_json::{Value, json};
use worker::{Context, Env, Request, Response, event};

use namespaces::Namespaces;

/// Is ambiguous, and so does not compile, once `WorkersStore` claims compare-and-swap: then
/// `update` and its like would compile on it.
const _: fn() = || {
    trait Claims<Which> {
        fn nothing() {}
    }
    struct CompareAndSwap;
    impl<S> Claims<()> for S {}
    impl<S: AtomicStore> Claims<CompareAndSwap> for S {}
    let _ = <WorkersStore as Claims<_>>::nothing;
};

/// Handles can be the state of an `axum` router, which has to be `Send` and `Sync`.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Collection<Session, WorkersStore>>();
    is_shared::<Collection<Session, DurableStore>>();
    is_shared::<Collection<Session, DurableClient>>();
};

thread_local! {
    /// Drawn while the isolate starts, when it has no random numbers yet.
    static FIRST: Cell<u64> = const { Cell::new(0) };
}

#[derive(KvEntity)]
#[kv(prefix = "session")]
struct Session {
    #[kv(id, secret)]
    token: String,
    user: u64,
}

fn token() -> u64 {
    Revision::random().token().unwrap_or_default()
}

#[event(start)]
fn start() {
    FIRST.set(token());
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let answer = match request.path().as_str() {
        "/conformance" => run_suite(env).await,
        "/draw" => draw().await,
        "/large-batch" => large_batch(&env).await?,
        "/no-text" => no_text(&env).await?,
        "/too-long-key" => {
            failed(WorkersStore::new(&env, "KV_0").map_err(told)?.read(&too_long_key()).await.err())
        }
        "/no-binding" => failed(WorkersStore::new(&env, "NOWHERE").err()),
        path if path.starts_with("/binding/") => binding::answer(&env, context, path).await?,
        path if path.starts_with("/durable/") => durable::answer(&env, path).await?,
        path if path.starts_with("/faulty/") => faulty::answer(&env, path).await.map_err(told)?,
        path => json!({ "error": format!("there is nothing at {path}") }),
    };
    Response::from_json(&answer)
}

async fn run_suite(env: Env) -> Value {
    summary(&conformance::store(&Namespaces::new(env)).await)
}

fn summary(report: &conformance::Report) -> Value {
    let skipped: Vec<_> = report.skipped().collect();
    let failed: Vec<_> = report.failures().map(|(name, failure)| (name, failure.to_string())).collect();
    json!({ "passed": report.passed(), "skipped": skipped, "failed": failed, "table": report.to_string() })
}

/// What must differ from one isolate to another, and how an error shows a secret id.
async fn draw() -> Value {
    let sessions = Kv::new(MemoryStore::new()).collection::<Session>();
    let absent = sessions.update("known to all", |session| session.user = 7).await.err();
    json!({
        "first": FIRST.get().to_string(),
        "tokens": [token().to_string(), token().to_string()],
        "error": absent.map(|error| error.to_string()),
    })
}

/// Values that are together too much for one reply of a bulk read.
async fn large_batch(env: &Env) -> worker::Result<Value> {
    let store = WorkersStore::new(env, "KV_0").map_err(told)?;
    let keys: Vec<Key> = (0..4).map(|number| Key::from_text(format!("large:{number}"))).collect();
    for key in &keys {
        let record = NewRecord::new(vec![b'1'; 9 << 20], Metadata::default());
        store.put(key.clone(), record).await.map_err(told)?;
    }
    let read = store.read_many(&keys).await.map_err(told)?;
    let lengths: Vec<_> =
        read.iter().map(|record| record.as_ref().map(|record| record.value.len())).collect();
    Ok(json!({ "lengths": lengths }))
}

/// Bytes that are no text, which a bulk read does not give as they are, and a text that looks like
/// what it gives instead.
async fn no_text(env: &Env) -> worker::Result<Value> {
    let namespace = env.kv("KV_0")?;
    let [bytes, absent, text] = ["no-text:1", "no-text:2", "no-text:3"].map(Key::from_text);
    namespace.put_bytes(bytes.as_str(), b"\x01\xFF\x02")?.execute().await?;
    namespace.put_bytes(text.as_str(), "\u{FFFD}".as_bytes())?.execute().await?;
    let store = WorkersStore::new(env, "KV_0").map_err(told)?;
    let value = |record: Record| record.value.to_vec();
    let alone = store.read(&bytes).await.map_err(told)?.map(value);
    let read = store.read_many(&[bytes, absent, text]).await.map_err(told)?;
    let among_others: Vec<_> = read.into_iter().map(|record| record.map(value)).collect();
    Ok(json!({ "alone": alone, "among_others": among_others }))
}

fn too_long_key() -> Key {
    Key::from_text("x".repeat(513))
}

/// Converts an error to JSON.
fn failed(error: Option<kv_runtime::Error>) -> Value {
    json!({
        "error": error.as_ref().map(ToString::to_string),
        "source": error.as_ref().and_then(std::error::Error::source).map(ToString::to_string),
        "retryable": error.is_some_and(|error| error.is_retryable()),
    })
}

fn told(error: kv_runtime::Error) -> worker::Error {
    worker::Error::RustError(error.to_string())
}
