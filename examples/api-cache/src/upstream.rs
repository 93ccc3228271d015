//! The upstream API: exchange rates, from a server that counts its calls, and can be slow or fail.
//! `PUT /mode` changes how it behaves, and `GET /calls` tells how often it was asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

/// What the upstream answers.
#[derive(Serialize, Deserialize)]
pub struct Quote {
    pub currency: String,
    pub per_euro: f64,
}

/// How it behaves: `{"slow_ms": 500, "failing": false}`.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mode {
    pub slow_ms: u64,
    pub failing: bool,
}

#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    max_age: u64,
    mode: Mutex<Mode>,
    calls: AtomicU64,
}

impl Upstream {
    /// Its answers may be kept for so many seconds, and say so.
    pub fn new(max_age: u64) -> Self {
        Self(Arc::new(Inner { max_age, mode: Mutex::default(), calls: AtomicU64::new(0) }))
    }

    /// How many quotes have been asked for.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub fn set(&self, mode: Mode) {
        *self.0.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    fn mode(&self) -> Mode {
        *self.0.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/rates/{currency}", get(quote))
            .route("/mode", get(async |State(it): State<Self>| Json(it.mode())).put(set_mode))
            .route("/calls", get(async |State(it): State<Self>| Json(it.calls())))
            .with_state(self.clone())
    }
}

async fn set_mode(State(upstream): State<Upstream>, Json(mode): Json<Mode>) {
    upstream.set(mode);
}

/// The rates move with each call, so that one sees which call an answer is from.
async fn quote(
    State(upstream): State<Upstream>,
    Path(currency): Path<String>,
) -> Result<([(HeaderName, String); 1], Json<Quote>), StatusCode> {
    let call = upstream.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let mode = upstream.mode();
    tokio::time::sleep(Duration::from_millis(mode.slow_ms)).await;
    if mode.failing {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let base = match currency.as_str() {
        "USD" => 1.08,
        "GBP" => 0.84,
        "JPY" => 163.0,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let kept = [(CACHE_CONTROL, format!("max-age={}", upstream.0.max_age))];
    Ok((kept, Json(Quote { currency, per_euro: base + call as f64 / 1_000.0 })))
}
