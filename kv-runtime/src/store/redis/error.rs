//! What the server says, told as one of this crate's errors.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::NAME;
use crate::error::{Error, Location, SharedError};

/// Why it is unknown what has become of a write, in words that say what to do; the server's own are the source's.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Told {
    what: &'static str,
    source: Said,
}

/// The crate's error as a text alone: what it gives as its source it has shown already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(RedisError);

/// An error of a call that is known not to have been carried out, or that only read.
pub(super) fn failed(at: Box<Location>, action: &'static str, error: RedisError) -> Error {
    if code(&error).as_deref() == Some("WRONGTYPE") {
        return Error::Malformed { at, what: "it is a Redis value of another type than string".into() };
    }
    let (why, retryable) = explain(&error);
    Error::store(at, action, retryable, Said(error)).because(why)
}

/// The error of a store that is not connected to this address. A server that is spoken to in the wrong way does not say so.
pub(super) fn not_connected(address: String, error: RedisError, by_tls: bool) -> Error {
    let (why, retryable) = match explain(&error) {
        (LATE, retryable) if by_tls => (
            "there was no answer in time; if the server speaks no TLS at this port, connect by `redis://`",
            retryable,
        ),
        (LOST, retryable) if !error.is_connection_dropped() => {
            ("the host cannot be reached; look at its name in the URL, and at the network", retryable)
        }
        (LOST, retryable) if !by_tls => (
            "the connection was lost; if the server speaks TLS at this port, connect by `rediss://`",
            retryable,
        ),
        told => told,
    };
    Error::store(Location::server(NAME, address), "connect", retryable, Said(error)).because(why)
}

/// The error of a write that nobody can say of whether it took place.
pub(super) fn unknown(at: Box<Location>, error: RedisError) -> Error {
    let (what, _) = explain(&error);
    Error::OutcomeUnknown { at, source: SharedError::new(Told { what, source: Said(error) }) }
}

/// An answer that no server gives to what was asked.
pub(super) fn unexpected(at: Box<Location>, action: &'static str) -> Error {
    let error =
        RedisError::from((ErrorKind::UnexpectedReturnType, "the answer has another type than it should"));
    failed(at, action, error)
}

/// Whether the server may have carried out what was sent: it was not refused, and its answer did not come.
pub(super) fn may_have_happened(error: &RedisError) -> bool {
    match error.kind() {
        // Only a connection that is being made is refused, so nothing was sent.
        ErrorKind::Io => !error.is_connection_refusal(),
        ErrorKind::Parse => true,
        _ => false,
    }
}

/// The server's word for the error. A transaction's is that of the first command that it refused.
pub(super) fn code(error: &RedisError) -> Option<String> {
    match error.clone().into_server_errors().as_deref() {
        Some([(_, first), ..]) => Some(first.code().to_owned()),
        _ => error.code().map(str::to_owned),
    }
}

/// What it means, and whether the same call may succeed later.
fn explain(error: &RedisError) -> (&'static str, bool) {
    if let Some(code) = code(error)
        && let Some(told) = explain_code(&code)
    {
        return told;
    }
    // Of a command in a script the server has no word of its own for it.
    if error.detail().is_some_and(|said| said.starts_with("The user executing the script can't")) {
        return (NO_PERMISSION, false);
    }
    if let Some(told) = super::tls::explain(error) {
        return told;
    }
    match error.kind() {
        ErrorKind::Io if error.is_timeout() => (LATE, true),
        ErrorKind::Io if error.is_connection_refusal() => {
            ("nobody listens there; start the server, or mend the URL", true)
        }
        ErrorKind::Io => (LOST, true),
        ErrorKind::Parse => ("the answer is not that of a Redis server; the connection was given up", true),
        ErrorKind::ClusterConnectionNotFound => ("the node that has the key is not reached", true),
        ErrorKind::AuthenticationFailed => (WRONG_USER, false),
        ErrorKind::RESP3NotSupported => ("the server is older than Redis 6.2", false),
        ErrorKind::InvalidClientConfig => ("the URL or an option cannot be used", false),
        ErrorKind::Server(ServerErrorKind::ReadOnly) => (READ_ONLY, false),
        _ => ("the server refused the command", false),
    }
}

const LATE: &str = "there was no answer in time";
const LOST: &str = "the connection was lost, or cannot be made";
const WRONG_USER: &str = "user and password are not right, or the server wants them and the URL has none";
const NO_PERMISSION: &str = "the user may not do this; see the server's ACL";
const READ_ONLY: &str = "the server is a read-only replica; connect to its primary";

fn explain_code(code: &str) -> Option<(&'static str, bool)> {
    Some(match code {
        "OOM" => ("the server's memory is full; raise its `maxmemory`, or free some", false),
        "READONLY" => (READ_ONLY, false),
        "NOAUTH" | "WRONGPASS" => (WRONG_USER, false),
        "NOPERM" => (NO_PERMISSION, false),
        "LOADING" => ("the server is still loading its data", true),
        "BUSY" => ("the server is busy with somebody's script", true),
        "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" => ("the cluster is being reshaped, or is down", true),
        "NOREPLICAS" => ("the server has fewer replicas than it must have for writes", true),
        "MISCONF" => ("the server cannot save its data to its disk, and so takes no writes", false),
        "MOVED" | "ASK" => ("the server is a node of a cluster; connect by `redis+cluster://`", false),
        "CROSSSLOT" => ("the keys lie on different slots of the cluster", false),
        _ => return None,
    })
}
