//! What KV cannot hold: a counter that loses no visit, and sessions that are seen everywhere at
//! once.
//!
//! Both live in Durable Objects of one class. A counter is changed inside its object, so that
//! requests at once cost no retries. A session is read and written by the Worker, over a client;
//! each has its own object, near its user.

use kv_runtime::store::{DurableClient, DurableStore, Shards};
use kv_runtime::{Collection, Kv, KvEntity};
use serde::{Deserialize, Serialize};
use worker::js_sys::{self, Function, Reflect};
use worker::wasm_bindgen::JsCast;
use worker::{DurableObject, Env, Method, Request, RequestInit, Response, State, durable_object};

use crate::address::Address;
use crate::reply::Failure;

/// `counter:front-page`.
#[derive(KvEntity, Serialize)]
#[kv(prefix = "counter")]
pub(crate) struct Counter {
    #[kv(id)]
    name: String,
    visits: u64,
}

/// `session:{token}`, for half an hour from its last use on.
#[derive(KvEntity, Serialize)]
#[kv(prefix = "session", ttl = "30m")]
pub(crate) struct Session {
    #[kv(id, secret)]
    pub(crate) token: String,
    pub(crate) user: String,
}

/// The body of a request that begins a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    pub(crate) user: String,
}

/// An object with one counter, or with one session.
#[durable_object]
pub struct Objects {
    store: DurableStore,
}

impl DurableObject for Objects {
    fn new(state: State, _: Env) -> Self {
        Self { store: DurableStore::new(&state) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        if DurableStore::is_of_client(&request) {
            return self.store.serve(request).await;
        }
        match self.count(&request).await {
            Ok(response) => Ok(response),
            Err(failure) => failure.into_response(),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.store.sweep().await?;
        Response::empty()
    }
}

impl Objects {
    /// Reads the counter that the path names, or adds a visit to it.
    async fn count(&self, request: &Request) -> Result<Response, Failure> {
        let counters = Kv::new(self.store.clone()).collection::<Counter>();
        let Address::Counter(name) = Address::of(request)? else { return Err(Failure::NoSuchPath) };
        let counter = match request.method() {
            Method::Post => {
                let new = || Counter { name: name.clone(), visits: 1 };
                counters.upsert(name.as_str(), new, |counter| counter.visits += 1).await?
            }
            _ => counters.get(name.as_str()).await?.ok_or(Failure::NotThere)?,
        };
        Ok(Response::from_json(&counter)?)
    }
}

/// Passes a request on to the object that holds this counter.
pub(crate) async fn counter(env: &Env, name: &str, method: Method) -> Result<Response, Failure> {
    let stub = env.durable_object("OBJECTS")?.id_from_name(&format!("counter:{name}"))?.get_stub()?;
    let mut init = RequestInit::new();
    init.with_method(method);
    // The object has its own name from the path, which must be percent-encoded in a URL.
    let name = String::from(js_sys::encode_uri_component(name));
    let request = Request::new_with_init(&format!("https://object/counters/{name}"), &init)?;
    Ok(stub.fetch_with_request(request).await?)
}

/// Begins a session, with a token that nobody can guess.
pub(crate) async fn begin(env: &Env, NewSession { user }: NewSession) -> Result<Response, Failure> {
    let session = Session { token: random_uuid()?, user };
    sessions(env)?.insert(&session).await?;
    Ok(Response::from_json(&session)?)
}

/// Reads a session, which lives on for its full TTL.
pub(crate) async fn read(env: &Env, token: &str) -> Result<Response, Failure> {
    let sessions = sessions(env)?;
    let session = sessions.get(token).await?.ok_or(Failure::NotThere)?;
    sessions.touch(token).await?;
    Ok(Response::from_json(&session)?)
}

/// Ends a session.
pub(crate) async fn end(env: &Env, token: &str) -> Result<Response, Failure> {
    sessions(env)?.delete(token).await?;
    Ok(Response::empty()?.with_status(204))
}

/// Each session has its own object.
fn sessions(env: &Env) -> Result<Collection<Session, DurableClient>, Failure> {
    Ok(Kv::new(DurableClient::new(env, "OBJECTS", Shards::by_segments(2))?).collection())
}

fn random_uuid() -> worker::Result<String> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    let random: Function = Reflect::get(&crypto, &"randomUUID".into())?.dyn_into()?;
    random.call0(&crypto)?.as_string().ok_or_else(|| "the runtime gave no UUID".into())
}
