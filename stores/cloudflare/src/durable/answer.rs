//! From rows to what the traits give.

use kv_store::key::Key;
use kv_store::record::{Head, Record, envelope};
use kv_store::store::{Commit, Content, Entry, ListPage, ListQuery};
use kv_store::{Error, Location, Result};

use super::NAME;
use super::message::{Response, Row};

/// The record of a row.
pub(super) fn record(row: Row, at: &dyn Fn() -> Box<Location>) -> Result<Record> {
    let record = envelope::open(row.record.into()).map_err(|error| error.into_error(at()))?;
    Ok(record.with_expires_at(row.expires_at))
}

/// The answer to a read of these keys.
pub(super) fn records(response: Response, keys: &[&Key]) -> Result<Vec<Option<Record>>> {
    match response {
        Response::Rows(rows) if rows.len() == keys.len() => {
            let read = |(row, key): (Option<Row>, &&Key)| {
                row.map(|row| record(row, &|| Location::of(NAME, key))).transpose()
            };
            rows.into_iter().zip(keys).map(read).collect()
        }
        response => Err(other(response, "read", many(keys))),
    }
}

/// The answer to a write at this place.
pub(super) fn done(response: Response, at: impl FnOnce() -> Box<Location>) -> Result<()> {
    match response {
        Response::Done => Ok(()),
        response => Err(other(response, "write", at())),
    }
}

/// The answer to a commit.
pub(super) fn commit(response: Response, at: impl FnOnce() -> Box<Location>) -> Result<Commit> {
    match response {
        Response::Done => Ok(Commit::Done),
        Response::Conflict(position) => Ok(Commit::Conflict(position as usize)),
        response => Err(other(response, "commit", at())),
    }
}

/// The answer to a list.
pub(super) fn page(response: Response, query: &ListQuery) -> Result<ListPage> {
    let at = || Location::of(NAME, query.prefix());
    let Response::Page(rows, next) = response else { return Err(other(response, "list", at())) };
    let mut page = ListPage::with_capacity(rows.len());
    for (key, row) in rows {
        let entry = match query.content() {
            Content::Keys => Entry::Key,
            content => match record(row, &at) {
                Ok(record) if content == Content::Heads => Entry::Head(Head::from(record)),
                Ok(record) => Entry::Record(record),
                Err(error) => Entry::Failed(error),
            },
        };
        page.push(&key, entry);
    }
    page.cursor = next.map(|last| query.cursor_at(&last));
    Ok(page)
}

/// Where a call on several keys failed: at the key, if it is one.
pub(super) fn many(keys: &[&Key]) -> Box<Location> {
    match keys {
        [key] => Location::of(NAME, key),
        _ => Location::store(NAME),
    }
}

fn other(response: Response, action: &'static str, at: Box<Location>) -> Error {
    match response {
        Response::Failed(failure) => failure.into_error(action, at),
        _ => Error::Malformed { at, what: "the object answered another question".into() },
    }
}
