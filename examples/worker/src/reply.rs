//! What is answered to a request that cannot be served.

use kv_runtime::Error;
use serde::Serialize;
use worker::{Response, console_error};

pub(crate) enum Failure {
    NoSuchPath,
    NoSuchMethod,
    NotThere,
    Encoding,
    Body(serde_json::Error),
    Kv(Error),
    Worker(worker::Error),
}

#[derive(Serialize)]
struct Refusal {
    error: String,
}

impl Failure {
    pub(crate) fn into_response(self) -> worker::Result<Response> {
        let (status, message) = match self {
            Self::NoSuchPath => (404, "there are only /profiles, /counters and /sessions".to_owned()),
            Self::NoSuchMethod => {
                (405, "the methods are GET, PUT and DELETE; POST for a visit and a new session".to_owned())
            }
            Self::NotThere => (404, "there is no such record".to_owned()),
            Self::Encoding => (400, "the address is not percent-encoded UTF-8".to_owned()),
            Self::Body(error) => (400, format!("the body is not what belongs there: {error}")),
            // Errors that the caller can correct.
            Self::Kv(error @ (Error::KeyTooLong { .. } | Error::ValueTooLong { .. })) => {
                (413, error.to_string())
            }
            Self::Kv(error @ Error::InvalidCursor { .. }) => (400, error.to_string()),
            Self::Kv(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                console_error!("{error}: {cause}");
                let status = if error.is_retryable() { 503 } else { 500 };
                (status, "the records cannot be reached".to_owned())
            }
            Self::Worker(error) => {
                console_error!("{error}");
                (500, "the request cannot be served".to_owned())
            }
        };
        Ok(Response::from_json(&Refusal { error: message })?.with_status(status))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Kv(error)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Worker(error)
    }
}
