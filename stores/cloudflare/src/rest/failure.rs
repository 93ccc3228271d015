//! Why a request failed, and the error that it becomes. No word of it holds the token, a value, or the address with its key.

use std::fmt;
use std::time::Duration;

use kv_store::{Error, Location, NoTimer, SharedError};

/// Why a request failed, after as many attempts as there were.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// Whether the server may have done what was asked, in one of the attempts.
    pub(super) may_be_done: bool,
    pub(super) attempts: u32,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// The request did not arrive, or its answer did not.
    Connection(reqwest::Error),
    /// The server answered with an error.
    Refused(Refusal),
    /// The server answered with something else than the API does.
    NoAnswer(&'static str),
    /// The answer is longer than any should be.
    TooLong,
    /// The request cannot be written.
    Unwritable(serde_json::Error),
    /// A long value was written again each time it was read.
    Contended,
    /// The pause before the next attempt cannot be made.
    NoTimer(NoTimer),
}

/// An error of the API.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: Option<u64>,
    /// The server's words, if they cannot quote a secret id.
    pub(super) message: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

/// No such key.
const KEY_NOT_FOUND: u64 = 10_009;
/// No such namespace.
const NAMESPACE_NOT_FOUND: u64 = 10_013;

/// The account has used up what its plan has for a day.
const QUOTA_USED_UP: u64 = 10_048;

impl Cause {
    /// What stood in the way and what to do about it, as far as it can be said in general.
    fn why(&self) -> Option<&'static str> {
        match self {
            Self::Connection(error) if !error.is_builder() => Some("the connection to Cloudflare failed"),
            Self::Refused(refusal) => Some(refusal.why()),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connection(error) => !error.is_builder(),
            Self::Refused(Refusal { code: Some(QUOTA_USED_UP), .. }) => false,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 425 | 429 | 500..),
            Self::NoAnswer(_) | Self::Contended => true,
            Self::TooLong | Self::Unwritable(_) | Self::NoTimer(_) => false,
        }
    }

    /// Whether the server may have done what was asked.
    pub(super) fn may_be_done(&self) -> bool {
        match self {
            Self::Connection(error) => !error.is_connect() && !error.is_builder(),
            Self::Refused(refusal) => refusal.status >= 500,
            Self::NoAnswer(_) | Self::TooLong => true,
            Self::Unwritable(_) | Self::Contended | Self::NoTimer(_) => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Whether more was asked for than one answer holds.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLong) || matches!(self, Self::Refused(Refusal { status: 413, .. }))
    }

    /// Whether the key is not there; a namespace that is not there is another matter.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 404, code: Some(KEY_NOT_FOUND), .. }))
    }

    /// Whether the request itself was wrong.
    pub(super) fn is_bad_request(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 400, .. }))
    }
}

impl Failure {
    /// Of a request that was not sent.
    pub(super) fn unsent(cause: Cause) -> Self {
        Self { cause, may_be_done: false, attempts: 0 }
    }

    /// Of something that only reads.
    pub(super) fn of_read(self, at: Box<Location>, action: &'static str) -> Error {
        let retryable = self.cause.is_transient();
        match self.cause.why() {
            Some(why) => Error::store(at, action, retryable, Details(self)).because(why),
            None => Error::store(at, action, retryable, self),
        }
    }

    /// Of something that writes: what may have been done is not said to have failed.
    pub(super) fn of_write(self, at: Box<Location>, action: &'static str) -> Error {
        if self.may_be_done {
            return Error::OutcomeUnknown { at, source: SharedError::new(self) };
        }
        self.of_read(at, action)
    }
}

impl Failure {
    fn show_attempts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            0 | 1 => Ok(()),
            attempts => write!(f, ", {attempts} times"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Connection(_) => f.write_str("the connection to Cloudflare failed")?,
            Cause::Refused(refusal) => write!(f, "{} ({refusal})", refusal.why())?,
            Cause::NoAnswer(what) => write!(f, "this is no answer of Cloudflare's API: {what}")?,
            Cause::TooLong => f.write_str("the answer is longer than any of Cloudflare's API")?,
            Cause::Unwritable(_) => f.write_str("the request cannot be written as JSON")?,
            Cause::NoTimer(_) => f.write_str("the request cannot be made again")?,
            Cause::Contended => f.write_str("the value was written again each time it was read")?,
        }
        self.show_attempts(f)
    }
}

/// A failure without [`Cause::why`], which the error that it is the source of tells.
#[derive(Debug)]
struct Details(Failure);

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Connection(_) => f.write_str("the request or its answer did not arrive")?,
            Cause::Refused(refusal) => write!(f, "{refusal}")?,
            _ => return fmt::Display::fmt(&self.0, f),
        }
        self.0.show_attempts(f)
    }
}

impl std::error::Error for Details {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Refusal {
    fn why(&self) -> &'static str {
        match (self.status, self.code) {
            (401 | 403, _) => {
                "Cloudflare refused the token: it has to be valid, and to have the permission `Workers KV Storage` for this account"
            }
            (404, Some(NAMESPACE_NOT_FOUND)) => "the account has no such namespace",
            (_, Some(QUOTA_USED_UP)) => {
                "the account has used up its plan's quota for today, which resets at 00:00 UTC"
            }
            (429, _) => "Cloudflare takes no more requests for now",
            _ => "Cloudflare refused the request",
        }
    }
}

/// The answer's figures and words.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, message, retry_after } = self;
        write!(f, "status {status}")?;
        if let Some(code) = code {
            write!(f, ", code {code}")?;
        }
        if let Some(message) = message {
            write!(f, ", {message}")?;
        }
        if let Some(wait) = retry_after {
            write!(f, ", to be tried again after {} s", wait.as_secs())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Connection(error) => Some(error),
            Cause::Unwritable(error) => Some(error),
            Cause::NoTimer(error) => Some(error),
            _ => None,
        }
    }
}
