//! What is asked of an object's table, and what it answers. The store inside the object and the
//! client outside of it build the same requests; the client's travel as bytes (`wire`).
//!
//! A record is bytes here: its envelope and value, as they are stored. Only the side that asked
//! for it decodes it, so an object never has to know a newer envelope.

use kv_store::Timestamp;
use kv_store::record::Expiry;
use kv_store::store::Content;

/// A call, which the table makes as one step.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    Get(Vec<String>),
    Write(Vec<Change>),
    Commit(Vec<Check>, Vec<Change>),
    List(Range),
}

/// A write of one key.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) key: String,
    pub(super) kind: ChangeKind,
}

#[derive(Debug, PartialEq)]
pub(super) enum ChangeKind {
    Put(Vec<u8>, Expiry),
    /// Keeps the expiry of the record that is there; the one given is for where none is.
    Update(Vec<u8>, Expiry),
    Touch(Expiry),
    Delete,
}

/// A condition of a commit.
#[derive(Debug, PartialEq)]
pub(super) struct Check {
    pub(super) key: String,
    pub(super) expect: Expected,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    Absent,
    Present,
    Token(u64),
    /// The whole record, which has no envelope.
    Plain(Vec<u8>),
}

/// One page of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Range {
    pub(super) prefix: String,
    pub(super) suffix: String,
    /// The last key that the page before looked at.
    pub(super) after: Option<String>,
    pub(super) limit: u32,
    pub(super) max_bytes: u32,
    pub(super) content: Content,
}

/// What is stored under a key.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) record: Vec<u8>,
    pub(super) expires_at: Option<Timestamp>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Response {
    /// For each key that was asked for.
    Rows(Vec<Option<Row>>),
    Done,
    /// The condition at this place did not hold.
    Conflict(u32),
    /// The rows of a page, and the last key that it looked at if the list goes on.
    Page(Vec<(String, Row)>, Option<String>),
    Failed(Failure),
}

/// Why a table did nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// The engine's words, which quote neither keys nor values.
    pub(super) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FailureKind {
    Engine,
    /// The object or the account has no room.
    Full,
    /// The plan's operations of this day are used up.
    Quota,
    /// The two sides are of releases that do not know each other's form.
    Form,
}
