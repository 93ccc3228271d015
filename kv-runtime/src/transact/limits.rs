//! What one commit takes, checked before a call of the transaction adds to it.

use super::state::State;
use kv_store::key::Key;
use kv_store::store::{Batch, CommitScope, Limits, Write};
use kv_store::{Error, Location};

/// Why a call of a transaction is refused, before its place is complete.
pub(super) enum Refused {
    TooLarge { found: usize, max: usize, unit: &'static str },
    NotTogether { other: Key, scope: CommitScope },
}

impl Refused {
    pub(super) fn into_error(self, at: Box<Location>) -> Error {
        match self {
            Self::TooLarge { found, max, unit } => Error::TransactionTooLarge { at, found, max, unit },
            Self::NotTogether { other, scope } => scope.not_together(at, &other),
        }
    }
}

/// Checks that the store can commit on condition of these further keys. Returns the first that is
/// one too many.
pub(super) fn check_reads<'k>(
    state: &'k State,
    keys: &'k [Key],
    limits: &Limits,
) -> Result<(), (&'k Key, Refused)> {
    check_scope(state, keys.iter(), limits)?;
    let new = keys.iter().filter(|key| state.entries.get(*key).is_none_or(|entry| entry.seen.is_none()));
    match (keys.last(), state.len + new.count()) {
        (Some(last), found) if found > limits.commit && !is_one_entity(state, keys.iter()) => {
            Err((last, too_many(found, limits)))
        }
        _ => Ok(()),
    }
}

/// Checks that the store can commit these further writes of one entity.
pub(super) fn check_writes<'w>(
    state: &'w State,
    writes: &'w Batch,
    inserted: Option<&Key>,
    limits: &Limits,
) -> Result<(), (&'w Key, Refused)> {
    let Some(last) = writes.iter().last() else { return Ok(()) };
    check_scope(state, writes.iter().map(Write::key), limits)?;
    if is_far_below(state, writes, limits) {
        return Ok(());
    }
    let is_known = |key: &Key| state.entries.get(key).is_some_and(|entry| entry.is_known(false));
    let assumed = usize::from(inserted.is_some_and(|key| !is_known(key)));
    let (mut found, mut bytes) = (state.len + assumed, state.bytes);
    for write in writes.iter() {
        let key = write.key();
        if let Some(entry) = state.entries.get(key) {
            found -= usize::from(entry.pending.is_some());
            bytes -= entry.bytes(key.len());
        }
        found += 1;
        bytes += key.len() + value_len(write);
    }
    if (found <= limits.commit && bytes <= limits.commit_bytes)
        || is_one_entity(state, writes.iter().map(Write::key))
    {
        return Ok(());
    }
    if found > limits.commit {
        return Err((last.key(), too_many(found, limits)));
    }
    let (found, max) = (bytes, limits.commit_bytes);
    Err((last.key(), Refused::TooLarge { found, max, unit: "bytes" }))
}

/// Whether the writes are within the limits even if each adds as much as it can. Then nobody has to
/// look for what they replace.
fn is_far_below(state: &State, writes: &Batch, limits: &Limits) -> bool {
    let bytes = writes.iter().map(|write| write.key().len() + value_len(write)).sum::<usize>();
    state.len + 2 * writes.len() <= limits.commit && state.bytes + bytes <= limits.commit_bytes
}

fn value_len(write: &Write) -> usize {
    match write {
        Write::Put(_, new) | Write::Update(_, new) => new.value.len(),
        Write::Touch(..) | Write::Delete(_) | Write::AddEntry(_) | Write::RemoveEntry(_) => 0,
    }
}

fn too_many(found: usize, limits: &Limits) -> Refused {
    Refused::TooLarge { found, max: limits.commit, unit: "conditions and writes" }
}

/// Whether all keys of the transaction are of one entity, which may be as large as the limits of its
/// records let it be.
fn is_one_entity<'k>(state: &'k State, more: impl Iterator<Item = &'k Key>) -> bool {
    let mut all = state.entries.keys().chain(more).map(Key::entity_part);
    let first = all.next();
    all.all(|part| Some(part) == first)
}

/// Checks that the keys can be in one commit with those that the transaction has.
fn check_scope<'k>(
    state: &State,
    mut keys: impl Iterator<Item = &'k Key> + Clone,
    limits: &Limits,
) -> Result<(), (&'k Key, Refused)> {
    let scope = limits.commit_scope;
    if scope == CommitScope::AnyKeys {
        return Ok(());
    }
    let Some(first) = state.entries.keys().next().or(keys.clone().next()) else { return Ok(()) };
    match keys.find(|key| !scope.allows(first, key)) {
        Some(key) => Err((key, Refused::NotTogether { other: first.clone(), scope })),
        None => Ok(()),
    }
}
