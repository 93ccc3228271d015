//! A request to an object that got no answer.

use kv_store::{Error, Location, SharedError};
use worker::js_sys::{self, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Lost {
    message: String,
    /// Whether the request may have arrived.
    is_sent: bool,
    /// What the runtime says of it: <https://developers.cloudflare.com/durable-objects/best-practices/error-handling/>.
    retryable: bool,
    overloaded: bool,
}

const OVERLOADED: &str =
    "more requests wait for the object than it serves; spread the keys over more objects, or ask less often";
const NO_SERVER: &str = "the object does not answer as a store; its class has to call `DurableStore::serve`";

impl Lost {
    pub(super) fn unsent(error: worker::Error) -> Self {
        let message = error.to_string();
        Self { message, is_sent: false, retryable: false, overloaded: false }
    }

    pub(super) fn thrown(thrown: JsValue) -> Self {
        let message = match thrown.dyn_ref::<js_sys::Error>() {
            Some(error) => error.message().into(),
            None => thrown.as_string().unwrap_or_else(|| "the runtime gave no reason".to_owned()),
        };
        let says = |name: &str| Reflect::get(&thrown, &name.into()).is_ok_and(|value| value.is_truthy());
        let (retryable, overloaded) = (says("retryable"), says("overloaded"));
        Self { message, is_sent: true, retryable, overloaded }
    }

    pub(super) fn status(status: u16) -> Self {
        let message = format!("the object answered with status {status}");
        Self { message, is_sent: true, retryable: false, overloaded: false }
    }

    pub(super) fn unreadable() -> Self {
        let message = "the object's answer has another form than a store's of this release".to_owned();
        Self { message, is_sent: true, retryable: false, overloaded: false }
    }

    pub(super) fn of_read(self, action: &'static str, at: Box<Location>) -> Error {
        let why = match () {
            () if self.overloaded => Some(OVERLOADED),
            () if !self.retryable && self.is_sent => Some(NO_SERVER),
            () => None,
        };
        // Cloudflare asks not to repeat what an overloaded object could not take.
        let error = Error::store(at, action, self.retryable && !self.overloaded, self);
        match why {
            Some(why) => error.because(why),
            None => error,
        }
    }

    pub(super) fn of_write(self, action: &'static str, at: Box<Location>) -> Error {
        if self.is_sent {
            return Error::OutcomeUnknown { at, source: SharedError::new(self) };
        }
        self.of_read(action, at)
    }
}
