//! A Worker that serves profiles out of a KV namespace, with a migration and a cache.
//!
//! - `GET /profiles/ada` reads one, whatever version it is stored in;
//! - `PUT /profiles/ada` with `{"displayName": "Ada", "email": "ada@example.org"}` writes one;
//! - `DELETE /profiles/ada` removes one;
//! - `GET /profiles?limit=10&cursor=...` lists them, page by page.
//!
//! Counters and sessions need compare-and-swap, so they are in Durable Objects (`object`):
//!
//! - `POST /counters/front-page` counts a visit, `GET` reads the count;
//! - `POST /sessions` with `{"user": "ada"}` begins a session and answers with its token;
//! - `GET /sessions/{token}` reads it and extends it; `DELETE` ends it.

mod address;
mod object;
mod profile;
mod reply;

use std::cell::OnceCell;
use std::time::Duration;

use kv_runtime::cache::{Cache, Cached};
use kv_runtime::store::WorkersStore;
use kv_runtime::{Cursor, Kv};
use serde::Serialize;
use worker::{Context, Env, Method, Request, Response, event};

use address::Address;
use profile::{NewProfile, Profile};
use reply::Failure;

type Profiles = Cached<Profile, WorkersStore>;

thread_local! {
    /// One for each isolate. The next requests get from memory what a request has read.
    static PROFILES: OnceCell<Profiles> = const { OnceCell::new() };
}

fn profiles(env: &Env) -> Result<Profiles, Failure> {
    let cache = Cache::new()
        // KV itself may show a write elsewhere only after a minute, so ten seconds add little.
        .memory_ttl(Duration::from_secs(10))
        .max_entries(1_000)
        .without_filling();
    PROFILES.with(|profiles| {
        if let Some(profiles) = profiles.get() {
            return Ok(profiles.clone());
        }
        let kv = Kv::new(WorkersStore::new(env, "PROFILES")?);
        Ok(profiles.get_or_init(|| kv.collection().cached(cache)).clone())
    })
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> worker::Result<Response> {
    match answer(request, &env).await {
        Ok(response) => Ok(response),
        Err(failure) => failure.into_response(),
    }
}

async fn answer(mut request: Request, env: &Env) -> Result<Response, Failure> {
    let address = Address::of(&request)?;
    let profiles = profiles(env)?;
    match (request.method(), address) {
        (Method::Get, Address::All { limit, cursor }) => list(&profiles, limit, cursor).await,
        (Method::Get, Address::One(id)) => match profiles.get(id.as_str()).await? {
            Some(profile) => Ok(Response::from_json(&*profile)?),
            None => Err(Failure::NotThere),
        },
        (Method::Put, Address::One(id)) => {
            let body = request.bytes().await?;
            let new: NewProfile = serde_json::from_slice(&body).map_err(Failure::Body)?;
            profiles.put(new.with_id(id)).await?;
            Ok(Response::empty()?.with_status(204))
        }
        (Method::Delete, Address::One(id)) => {
            profiles.delete(id.as_str()).await?;
            Ok(Response::empty()?.with_status(204))
        }
        (method @ (Method::Get | Method::Post), Address::Counter(name)) => {
            object::counter(env, &name, method).await
        }
        (Method::Post, Address::Sessions) => {
            let body = request.bytes().await?;
            object::begin(env, serde_json::from_slice(&body).map_err(Failure::Body)?).await
        }
        (Method::Get, Address::Session(token)) => object::read(env, &token).await,
        (Method::Delete, Address::Session(token)) => object::end(env, &token).await,
        _ => Err(Failure::NoSuchMethod),
    }
}

/// A list goes past the cache: it would drive out what is asked for.
async fn list(
    profiles: &Profiles,
    limit: Option<usize>,
    cursor: Option<String>,
) -> Result<Response, Failure> {
    let all = profiles.collection().list().limit(limit.unwrap_or(100).clamp(1, 100));
    let page = all.cursor(cursor.map(Cursor::from_text)).page().await?;
    let page = Page {
        profiles: page.entities,
        unreadable: page.failed.len(),
        cursor: page.cursor.as_ref().map(Cursor::as_str),
    };
    Ok(Response::from_json(&page)?)
}

#[derive(Serialize)]
struct Page<'a> {
    profiles: Vec<Profile>,
    unreadable: usize,
    cursor: Option<&'a str>,
}
