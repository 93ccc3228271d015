//! Who makes a request: a browser with a session, or a program with an API key.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tower_sessions::Session;

use crate::app::App;
use crate::caller::{CALLER, Caller};
use crate::failure::{Failure, Result};
use crate::keys::user_of_key;

/// An argument of a handler: a request without a caller is refused.
impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let caller = match header.and_then(|header| header.strip_prefix("Bearer ")) {
            Some(key) => user_of_key(&app.kv, key).await?,
            None => match parts.extensions.get::<Session>() {
                Some(session) => session.get(CALLER).await?,
                None => None,
            },
        };
        caller.ok_or(Failure::UNKNOWN_CALLER)
    }
}
