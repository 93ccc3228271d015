//! Errors, as answers over HTTP.

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use kv_runtime::Error;
use tower_sessions::session;

pub type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug)]
pub enum Failure {
    /// The request is wrong: its status, and what to tell the client.
    Refused(StatusCode, &'static str),
    Store(Error),
    Session(session::Error),
}

impl Failure {
    pub const UNKNOWN_CALLER: Self = Self::Refused(StatusCode::UNAUTHORIZED, "log in, or send an API key");
    pub const OWNERS_ONLY: Self = Self::Refused(StatusCode::FORBIDDEN, "only an owner may do this");
    pub const CLOSED: Self = Self::Refused(StatusCode::GONE, "the tenant was deleted");
}

/// `?` and `try_update` need this.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<session::Error> for Failure {
    fn from(error: session::Error) -> Self {
        Self::Session(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(status, why) => (status, why).into_response(),
            Self::Store(Error::NotFound { .. }) => (StatusCode::NOT_FOUND, "there is none").into_response(),
            Self::Store(Error::AlreadyExists { .. }) => {
                (StatusCode::CONFLICT, "there is one already").into_response()
            }
            Self::Store(Error::NotUnique { .. }) => {
                (StatusCode::CONFLICT, "another user has this email").into_response()
            }
            Self::Store(Error::InvalidCursor { .. }) => {
                (StatusCode::BAD_REQUEST, "this cursor is of another list").into_response()
            }
            Self::Store(error) => {
                // It names the record and no value, so it may be logged.
                eprintln!("{error}");
                let status = match error.is_retryable() {
                    true => StatusCode::SERVICE_UNAVAILABLE,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                };
                (status, [(RETRY_AFTER, "1")], "try again later").into_response()
            }
            Self::Session(error) => {
                eprintln!("{error}");
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "try again later").into_response()
            }
        }
    }
}
