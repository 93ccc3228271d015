//! The application: an endpoint that returns the answers of an upstream API, and calls that as
//! seldom as possible.

use std::error::Error;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kv_runtime::cache::{Cache, Cached, Loaded};
use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Sourced};
use reqwest::Client;
use reqwest::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};

/// `cache:rates:USD` in the store, and JSON to the client.
#[derive(KvEntity, Debug, Clone, Serialize, Deserialize)]
#[kv(prefix = "cache:rates")]
pub struct Rate {
    #[kv(id)]
    pub currency: String,
    pub per_euro: f64,
}

#[derive(Clone)]
struct App {
    rates: Cached<Rate, MemoryStore>,
    upstream: Upstream,
}

pub fn router(kv: &Kv<MemoryStore>, client: Client, upstream: String) -> Router {
    let cache = Cache::new()
        .jitter(0.0) // So that the example shows the same each time.
        .stale_for(Duration::from_secs(600))
        .soft_timeout(Duration::from_millis(100))
        .hard_timeout(Duration::from_secs(5))
        .spawner(|load| {
            tokio::spawn(load);
        });
    let rates = kv.collection::<Rate>().cached(cache);
    let upstream = Upstream { client, url: upstream };
    Router::new().route("/rates/{currency}", get(rate)).with_state(App { rates, upstream })
}

async fn rate(State(app): State<App>, Path(currency): Path<String>) -> Response {
    // It becomes a part of the upstream's URL.
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let App { rates, upstream } = app;
    match rates.get_or_load_detailed(&currency.clone(), move || upstream.rate(currency)).await {
        Ok(Sourced { value: Some(rate), source, .. }) => {
            ([("x-cache", source.as_str())], Json(&*rate)).into_response()
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            log(&error);
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// An error prints itself and not its cause.
fn log(mut error: &dyn Error) {
    let mut line = error.to_string();
    while let Some(source) = error.source() {
        line = format!("{line}: {source}");
        error = source;
    }
    eprintln!("{line}");
}

/// The upstream API, as a client sees it.
#[derive(Clone)]
struct Upstream {
    client: Client,
    url: String,
}

impl Upstream {
    /// Nothing if the upstream knows no such currency. How long it may be kept is what the answer
    /// says.
    async fn rate(self, currency: String) -> reqwest::Result<Loaded<Option<Rate>>> {
        let response = self.client.get(format!("{}/rates/{currency}", self.url)).send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(Loaded::new(None));
        }
        let response = response.error_for_status()?;
        let max_age = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let max_age = max_age.and_then(|value| value.strip_prefix("max-age=")?.parse().ok());
        let max_age = Duration::from_secs(max_age.unwrap_or(0));
        let rate = response.json().await?;
        Ok(Loaded::new(Some(rate)).memory_ttl(max_age).store_ttl(max_age))
    }
}
