//! The application: a shop that knows who is logged in, and what is in the cart.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session};

#[derive(Serialize, Deserialize)]
pub struct Me {
    pub user: String,
    pub cart: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub struct LogIn {
    pub user: String,
}

#[derive(Serialize, Deserialize)]
pub struct Item {
    pub item: String,
}

pub fn router() -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .route("/cart", post(add_to_cart))
        .route("/checkout", post(check_out))
}

/// A real one asks for a password. The id changes with the log-in, so that nobody who knew the old
/// one is logged in, too.
async fn log_in(session: Session, Json(LogIn { user }): Json<LogIn>) -> Result<Json<Me>, Failure> {
    session.cycle_id().await?;
    session.insert("user", &user).await?;
    let cart = session.get("cart").await?.unwrap_or_default();
    Ok(Json(Me { user, cart }))
}

async fn log_out(session: Session) -> Result<(), Failure> {
    session.flush().await?;
    Ok(())
}

/// Only reads: the session slides, and its data are not written.
async fn me(session: Session) -> Result<Json<Me>, Failure> {
    let user = session.get("user").await?.ok_or(Failure::LoggedOut)?;
    let cart = session.get("cart").await?.unwrap_or_default();
    Ok(Json(Me { user, cart }))
}

async fn add_to_cart(session: Session, Json(Item { item }): Json<Item>) -> Result<Json<Me>, Failure> {
    let user = session.get("user").await?.ok_or(Failure::LoggedOut)?;
    let mut cart: Vec<String> = session.get("cart").await?.unwrap_or_default();
    cart.push(item);
    session.insert("cart", &cart).await?;
    Ok(Json(Me { user, cart }))
}

/// Takes a second, and then changes the session; the user may have logged out meanwhile.
async fn check_out(session: Session) -> Result<Json<Me>, Failure> {
    let user = session.get("user").await?.ok_or(Failure::LoggedOut)?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    session.remove::<Vec<String>>("cart").await?;
    Ok(Json(Me { user, cart: Vec::new() }))
}

enum Failure {
    LoggedOut,
    Sessions(session::Error),
}

impl From<session::Error> for Failure {
    fn from(error: session::Error) -> Self {
        Self::Sessions(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::LoggedOut => (StatusCode::UNAUTHORIZED, "nobody is logged in").into_response(),
            Self::Sessions(error) => {
                // It names the record by a hash of the session's id, so it may be logged.
                eprintln!("{error}");
                (StatusCode::SERVICE_UNAVAILABLE, "try again later").into_response()
            }
        }
    }
}
