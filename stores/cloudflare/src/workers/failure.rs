//! What the failures of a binding mean.

use kv_store::{Error, Location, SharedError};
use worker::js_sys;
use worker::wasm_bindgen::{JsCast, JsValue};

const NO_REPLY: &str = "the binding returned an unexpected reply";

/// What the runtime threw, or a reply that is none of the binding's.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    message: String,
    /// The status of the service's reply, where it was that.
    status: Option<u16>,
}

/// What the runtime says once the account has used up what its plan has for a day, such as `KV put()
/// limit exceeded for the day.`
const QUOTA: &str = "limit exceeded for the day";

/// What it says once an invocation has made as many calls as it may, such as `Too many API requests
/// by single worker invocation.`
const CALLS: &str = "by single worker invocation";

impl Failure {
    pub(super) fn endless() -> Self {
        Self { message: "a list has one empty page after the other".to_owned(), status: None }
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.status == Some(413)
    }

    pub(super) fn is_bad_request(&self) -> bool {
        self.status == Some(400)
    }

    /// Whether it was the service or the way to it: the call itself was right.
    fn is_of_service(&self) -> bool {
        match self.status {
            Some(status) => status >= 500,
            // The connection, or the runtime itself. Anything else that it throws is a mistake of the call, and a retry does not help.
            None => self.message.contains("connection") || self.message.contains("internal error"),
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }

    /// What stood in the way and what to do about it, and whether a retry may help.
    fn why(&self) -> (Option<&'static str>, bool) {
        if self.says(QUOTA) {
            let why = "the account has used up its plan's quota for today, which resets at 00:00 UTC";
            return (Some(why), false);
        }
        if self.says(CALLS) {
            let why = "this invocation has made as many calls as one may; make fewer, or in several";
            return (Some(why), false);
        }
        if self.status == Some(429) {
            let why = "Cloudflare takes no more for now: of one key it takes one write a second";
            return (Some(why), true);
        }
        (None, self.is_of_service())
    }

    pub(super) fn of(self, action: &'static str, at: Box<Location>) -> Error {
        let (why, retryable) = self.why();
        let error = Error::store(at, action, retryable, self);
        match why {
            Some(why) => error.because(why),
            None => error,
        }
    }

    /// Of something that writes: what may have been done is not said to have failed.
    pub(super) fn of_write(self, action: &'static str, at: Box<Location>) -> Error {
        if self.is_of_service() {
            return Error::OutcomeUnknown { at, source: SharedError::new(self) };
        }
        self.of(action, at)
    }
}

/// The runtime reports a reply as `KV PUT failed: 429 Too Many Requests`. It quotes a key or a value
/// only where it fails to parse one.
impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Self {
        if thrown.has_type::<js_sys::SyntaxError>() {
            return Self { message: NO_REPLY.to_owned(), status: None };
        }
        let Some(error) = thrown.dyn_ref::<js_sys::Error>() else {
            return Self {
                message: "the binding gave something else than it should".to_owned(),
                status: None,
            };
        };
        let message = String::from(error.message());
        let status = message.split_once("failed: ").and_then(|(_, reply)| reply.get(..3)?.parse().ok());
        Self { message, status }
    }
}

impl From<js_sys::Object> for Failure {
    fn from(reply: js_sys::Object) -> Self {
        JsValue::from(reply).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self { message: NO_REPLY.to_owned(), status: None }
    }
}
