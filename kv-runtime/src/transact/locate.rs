//! Where the errors of a transaction happened.

use kv_store::key::Key;
use kv_store::store::{Store, StoreExt};
use kv_store::{Error, Location};

use super::state::{INDEX, State};

/// The error of a store that reports a condition which its commit does not have.
#[derive(Debug, thiserror::Error)]
#[error("the store reports a conflict at a condition that the commit does not have")]
struct NoSuchCondition;

pub(super) fn no_such_condition<S: Store>(store: &S) -> Error {
    Error::store(Location::store(store.name()), "commit", false, NoSuchCondition)
}

/// Where a record of a transaction lies, for an error.
pub(super) fn located<S: Store>(store: &S, key: &Key, entity: Option<&'static str>) -> Box<Location> {
    let mut at = Location::of(store.name(), key);
    at.entity = entity;
    store.info().locate(&mut at);
    at
}

/// Names the entity in a store's error, if the error names one of the transaction's keys. In the place of
/// the entry of an index, which nobody has written by that key, it names an entity that is written.
pub(super) fn named(state: &State, error: Error) -> Error {
    let key = error.location().and_then(|at| at.key.as_deref());
    let Some((_, entry)) = key.and_then(|key| state.entries.iter().find(|(it, _)| it.to_string() == key))
    else {
        return error;
    };
    if entry.entity != INDEX {
        return error.of_entity(entry.entity);
    }
    let written = state.entries.iter().find(|(_, entry)| entry.entity != INDEX && entry.pending.is_some());
    match written {
        Some((key, entry)) => {
            error.map_location(&|at| at.key = Some(key.to_string())).of_entity(entry.entity)
        }
        None => error.of_entity(entry.entity),
    }
}

/// The error of a commit of conditions alone. Its outcome may be unknown, but it writes nothing.
pub(super) fn unchecked(error: Error) -> Error {
    match error {
        Error::OutcomeUnknown { at, source } => {
            Error::Store { at, action: "check what was read", why: None, retryable: true, source }
        }
        other => other,
    }
}
