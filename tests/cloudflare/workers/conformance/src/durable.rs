//! Durable Objects: the suite inside an object and through a client, and what else they promise.

mod calls;
mod checks;
mod objects;

use std::cell::Cell;

use kv_runtime::conformance::{self, Foreign};
use kv_runtime::key::Key;
use kv_runtime::store::{DurableClient, DurableStore, Shards, StoreExt};
use kv_runtime::{Clock, Error, ManualClock, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worker::{DurableObject, Env, Method, Request, RequestInit, Response, State, Stub, durable_object};

use super::{summary, told};
use objects::{Inside, Outside, TABLE};

thread_local! {
    /// The time of all objects and of their clients: a Worker and its objects share an isolate here.
    static CLOCK: ManualClock = ManualClock::new(Clock::system().now());
}

fn clock() -> Clock {
    CLOCK.with(|clock| Clock::from(clock))
}

/// An object of records. A client's requests are answered by the store; the paths are the tests'.
#[durable_object]
pub struct Records {
    state: State,
    tables: Cell<u32>,
}

impl DurableObject for Records {
    fn new(state: State, _: Env) -> Self {
        Self { state, tables: Cell::new(0) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let store = DurableStore::options(&self.state).clock(clock()).open().map_err(told)?;
        if DurableStore::is_of_client(&request) {
            return store.serve(request).await;
        }
        match request.path().as_str() {
            "/suite" => Response::from_json(&summary(&conformance::atomic_store(&Inside::new(self)).await)),
            "/hold" => {
                let held: Vec<Held> = request.json().await?;
                // The table is made by the first call.
                store.read(&Key::from_text("a")).await.map_err(told)?;
                self.hold(TABLE, &held)?;
                Response::empty()
            }
            path => Response::from_json(&checks::inside(&self.state, &store, path).await?),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        DurableStore::options(&self.state).clock(clock()).open().map_err(told)?.sweep().await?;
        Response::empty()
    }
}

/// A record that something else wrote.
#[derive(Serialize, Deserialize)]
struct Held {
    key: String,
    record: Vec<u8>,
}

impl Held {
    fn of((key, foreign): &(Key, Foreign)) -> Self {
        let record = match foreign {
            Foreign::Plain(value) => value.to_vec(),
            // The beginning of an envelope.
            _ => vec![0xFF, 0x4B, 1, 0, 7],
        };
        Self { key: key.as_str().to_owned(), record }
    }
}

impl Records {
    /// Writes records past the store.
    fn hold(&self, table: &str, held: &[Held]) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        for Held { key, record } in held {
            let insert = format!("INSERT INTO {table} (key, record) VALUES (?, coalesce(?, x''))");
            sql.exec(&insert, vec![key.as_str().into(), record.clone().into()])?;
        }
        Ok(())
    }

    fn next_table(&self) -> String {
        self.tables.set(self.tables.get() + 1);
        format!("t{}", self.tables.get())
    }
}

/// What comes of the call that the path names.
pub(super) async fn answer(env: &Env, path: &str) -> worker::Result<Value> {
    match path {
        "/durable/inside" => ask(env, "suite", "/suite", Method::Get, None).await,
        "/durable/client" => Ok(summary(&conformance::atomic_store(&Outside::new(env)).await)),
        path => match path.strip_prefix("/durable/object") {
            Some(path) => ask(env, path, path, Method::Get, None).await,
            None => checks::outside(env, path.trim_start_matches("/durable/")).await,
        },
    }
}

fn stub(env: &Env, name: &str) -> worker::Result<Stub> {
    env.durable_object("RECORDS")?.id_from_name(name)?.get_stub()
}

/// The JSON that an object answers with.
async fn ask(
    env: &Env,
    name: &str,
    path: &str,
    method: Method,
    body: Option<String>,
) -> worker::Result<Value> {
    let mut init = RequestInit::new();
    init.with_method(method).with_body(body.map(Into::into));
    let request = Request::new_with_init(&format!("https://object{path}"), &init)?;
    let body = stub(env, name)?.fetch_with_request(request).await?.text().await?;
    if body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&body)?) }
}

fn client(env: &Env, shards: Shards) -> Result<DurableClient> {
    DurableClient::with_clock(env, "RECORDS", shards, clock())
}

fn past(error: worker::Error) -> Error {
    Error::store(Box::default(), "write past the store", false, error)
}
