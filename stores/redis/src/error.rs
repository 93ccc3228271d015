//! Converts the server's errors to those of this crate.

use std::io;

use kv_store::{Error, Location, SharedError};
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::NAME;
use super::cause::io_error;

/// Why it is unknown what has become of a write, in words that say what to do; the server's own are
/// the source's.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct LostAnswer {
    what: &'static str,
    source: Said,
}

/// An error of the `redis` crate, and whether the command may have reached the server.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) error: RedisError,
    pub(super) sent: bool,
}

impl Fault {
    pub(super) const fn sent(error: RedisError) -> Self {
        Self { error, sent: true }
    }

    pub(super) const fn unsent(error: RedisError) -> Self {
        Self { error, sent: false }
    }

    /// Whether the connection failed, and not the command.
    pub(super) fn is_of_the_way(&self) -> bool {
        matches!(self.error.kind(), ErrorKind::Io | ErrorKind::Parse)
    }

    /// Whether the server may have carried out what was sent: it was not refused, and its answer
    /// did not come.
    pub(super) fn may_have_happened(&self) -> bool {
        self.sent && self.is_of_the_way()
    }

    pub(super) fn code(&self) -> Option<String> {
        code(&self.error)
    }
}

/// The crate's error as a text alone: what it gives as its source it has shown already.
///
/// Of what a server says only the code is shown. The rest may quote the arguments of the command,
/// which are keys and values.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(String);

impl Said {
    pub(super) fn of(error: RedisError) -> Self {
        Self(match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => match code(&error).filter(|code| is_code(code)) {
                Some(code) => format!("the server answered with the error {code}"),
                None => "the server answered with an error".to_owned(),
            },
            ErrorKind::Parse => "the answer does not follow the protocol".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Whether the first word of an error is one of the server's own, and not a part of a sentence.
fn is_code(word: &str) -> bool {
    word.len() <= 24 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// An error of a call that is known not to have been carried out, or that only read.
pub(super) fn failed(at: Box<Location>, action: &'static str, fault: Fault) -> Error {
    let error = fault.error;
    if code(&error).as_deref() == Some("WRONGTYPE") {
        return of_other_type(at);
    }
    let (why, retryable) = explain(&error);
    Error::store(at, action, retryable, Said::of(error)).because(why)
}

/// The error of a key that holds no string.
pub(super) fn of_other_type(at: Box<Location>) -> Error {
    Error::Malformed { at, what: "it is a Redis value of another type than string".into() }
}

/// The error of a store that is not connected to this address. A server that is spoken to in the
/// wrong way does not say so.
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
        explained => explained,
    };
    Error::store(Location::server(NAME, address), "connect", retryable, Said::of(error)).because(why)
}

/// The error of a write that nobody can say of whether it took place.
pub(super) fn unknown(at: Box<Location>, fault: Fault) -> Error {
    let error = fault.error;
    let (what, _) = explain(&error);
    Error::OutcomeUnknown { at, source: SharedError::new(LostAnswer { what, source: Said::of(error) }) }
}

/// An answer that no server gives to what was asked.
pub(super) fn unexpected(at: Box<Location>, action: &'static str) -> Error {
    failed(at, action, unexpected_answer("the answer has another type than it should"))
}

/// The server's word for the error. A transaction's is that of the first command that it refused.
pub(super) fn code(error: &RedisError) -> Option<String> {
    match error.clone().into_server_errors().as_deref() {
        Some([(_, first), ..]) => Some(first.code().to_owned()),
        _ => error.code().map(str::to_owned),
    }
}

/// What it means, and whether the same call may succeed later.
pub(super) fn explain(error: &RedisError) -> (&'static str, bool) {
    if let Some(code) = code(error)
        && let Some(explained) = explain_code(&code)
    {
        return explained;
    }
    let starts = |(start, _): &&(&str, _)| error.detail().is_some_and(|said| said.starts_with(start));
    if let Some((_, explained)) = TEXTS.iter().find(starts) {
        return *explained;
    }
    let text = error.to_string();
    if let Some((_, meaning)) = OWN_TEXTS.iter().find(|(said, _)| text.starts_with(said)) {
        return *meaning;
    }
    if let Some(explained) = super::tls::explain(error) {
        return explained;
    }
    match error.kind() {
        ErrorKind::Io if error.is_timeout() => (LATE, true),
        ErrorKind::Io if error.is_connection_refusal() => {
            ("nobody listens there; start the server, or correct the URL", true)
        }
        ErrorKind::Io if is_forbidden(error) => {
            ("this process may not connect there; see the permissions of the socket, or the firewall", false)
        }
        ErrorKind::Io => (LOST, true),
        ErrorKind::Parse => ("the answer is not that of a Redis server; the connection was given up", true),
        ErrorKind::ClusterConnectionNotFound => ("the node that has the key is not reached", true),
        ErrorKind::AuthenticationFailed => (WRONG_USER, false),
        ErrorKind::RESP3NotSupported => ("the server is older than Redis 6.2", false),
        ErrorKind::InvalidClientConfig => ("the URL or an option cannot be used", false),
        ErrorKind::MasterNameNotFoundBySentinel => {
            ("the sentinels know no primary of the name in the URL; write one that they watch", false)
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => (READ_ONLY, true),
        _ => ("the server refused the command", false),
    }
}

/// Whether the server does not know the command.
pub(super) fn is_unknown_command(error: &RedisError) -> bool {
    error.detail().is_some_and(|said| said.starts_with(NO_SUCH_COMMAND))
}

/// Whether the system refuses this process the connection.
fn is_forbidden(error: &RedisError) -> bool {
    io_error(error).is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// What is said of a server that turns out to be of another kind than the URL says.
pub(super) const SAYS_SENTINEL: &str = "the server says that it is a sentinel";
pub(super) const SAYS_NO_SENTINEL: &str = "the server says that it is no sentinel";
pub(super) const SAYS_CLUSTER: &str = "the server says that it is a node of a cluster";

/// Other errors of this client.
pub(super) const RUNTIME_ENDED: &str = "the tokio runtime that drives the connection has ended";
pub(super) const INDEX_LOST: &str = "the list index is lost again and again";
pub(super) const NO_PRIMARY: &str = "the sentinels name a server that is not a primary";
pub(super) const SLOTS_MOVED: &str = "the slots of the cluster kept moving";
pub(super) const NO_SLOTS: &str = "no node of the cluster has slots";
pub(super) const NEVER_THERE: &str = "the key is never where it is said to be";

/// What to do about these errors, and whether a retry may help.
const OWN_TEXTS: [(&str, (&str, bool)); 9] = [
    (
        SAYS_SENTINEL,
        (
            "a sentinel listens there, which has no records; connect by `redis+sentinel://host:port/name`",
            false,
        ),
    ),
    (
        SAYS_NO_SENTINEL,
        (
            "the server is no sentinel; connect by `redis://`, or by `redis+cluster://` if it is a node of \
             a cluster",
            false,
        ),
    ),
    (SAYS_CLUSTER, (OF_A_CLUSTER, false)),
    (
        RUNTIME_ENDED,
        ("the tokio runtime of the store has ended; pass one that lives as long as the store", false),
    ),
    (INDEX_LOST, ("the list index is lost again and again; set `maxmemory-policy noeviction`", false)),
    (NO_PRIMARY, ("the sentinels name a server that is not a primary; a failover may be under way", true)),
    (SLOTS_MOVED, ("the slots of the cluster kept moving while it was read", true)),
    (NO_SLOTS, ("no node of the cluster has slots; it may not be set up yet", true)),
    (NEVER_THERE, ("the nodes of the cluster disagree about which of them has the key", true)),
];

const OF_A_CLUSTER: &str = "the server is a node of a cluster; connect by `redis+cluster://`";
const LATE: &str = "there was no answer in time";
const LOST: &str = "the connection was lost, or cannot be made";
const WRONG_USER: &str = "user and password are not right, or the server wants them and the URL has none";
const NO_PERMISSION: &str = "the user may not do this; see the server's ACL";
const SLOT_MOVES: &str = "the slot of the keys is moving to another node, and no node has all of them yet; nothing was done, try again";
const READ_ONLY: &str = "the server is a read-only replica; connect to its primary";
const NO_DATABASE: &str =
    "the server has no database of this number (a node of a cluster has one); correct the URL";
const UNKNOWN_COMMAND: &str = "the server has no such command, or it was renamed; https://docs.rs/kv-runtime/latest/kv_runtime/guide/redis lists the commands that are needed";

/// The beginnings of what servers say in errors that have no code of their own, and what they mean.
const TEXTS: [(&str, (&str, bool)); 10] = [
    // Of a command inside a script.
    ("The user executing the script can't", (NO_PERMISSION, false)),
    ("ACL failure in script", (NO_PERMISSION, false)),
    ("Unknown Redis command called from script", (UNKNOWN_COMMAND, false)),
    (NO_SUCH_COMMAND, (UNKNOWN_COMMAND, false)),
    ("max number of clients", ("the server has as many clients as its `maxclients` allows", true)),
    ("DB index is out of range", (NO_DATABASE, false)),
    ("invalid DB index", (NO_DATABASE, false)),
    ("SELECT is not allowed in cluster mode", (OF_A_CLUSTER, false)),
    (
        "This instance has cluster support disabled",
        ("the server is no node of a cluster; connect by `redis://`", false),
    ),
    (
        "AUTH <password> called without any password",
        ("the server has no password; leave it out of the URL", false),
    ),
];

/// What servers say of a command that they do not know.
const NO_SUCH_COMMAND: &str = "unknown command";

fn explain_code(code: &str) -> Option<(&'static str, bool)> {
    Some(match code {
        "OOM" => ("the server's memory is full; raise its `maxmemory`, or free some", false),
        "READONLY" => (READ_ONLY, true),
        "NOAUTH" | "WRONGPASS" => (WRONG_USER, false),
        "NOPERM" => (NO_PERMISSION, false),
        "LOADING" => ("the server is still loading its data", true),
        "BUSY" => ("the server is busy with a script", true),
        "TRYAGAIN" => (SLOT_MOVES, true),
        "MASTERDOWN" | "CLUSTERDOWN" => ("the cluster is being reshaped, or is down", true),
        "NOREPLICAS" => ("the server has fewer replicas than its `min-replicas-to-write`", true),
        "MISCONF" => ("the server cannot save its data to disk and takes no writes", false),
        "MOVED" | "ASK" => (OF_A_CLUSTER, false),
        "WRONGINDEX" => {
            ("a key of the list index is no sorted set; delete it, and the index is rebuilt", false)
        }
        "WRONGENTRIES" => (
            "another program has put something else in the place of the entries of an index; delete \
             that key, whose name is `{#index:`, the index and `}`, and call `check_indexes`",
            false,
        ),
        "CROSSSLOT" => ("the keys lie on different slots; connect by `redis+cluster://`", false),
        "DENIED" => {
            ("the server takes connections from its own machine alone, until it has a password", false)
        }
        _ => return None,
    })
}

/// An answer that no server gives to what was asked.
pub(super) fn unexpected_answer(what: &'static str) -> Fault {
    Fault::sent(RedisError::from((ErrorKind::UnexpectedReturnType, what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_this_client_say_what_to_do() {
        for (text, meaning) in OWN_TEXTS {
            for kind in
                [ErrorKind::Client, ErrorKind::InvalidClientConfig, ErrorKind::ClusterConnectionNotFound]
            {
                assert_eq!(explain(&RedisError::from((kind, text))), meaning, "{text}");
            }
        }
    }
}
