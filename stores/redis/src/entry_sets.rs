//! Index entries: members of one sorted set for each index.
//!
//! The name of the set has the name of the index, and a member the rest of the entry's key. All
//! scores are 0, so the server keeps the members in the order of their bytes, which is that of the
//! keys. With hash tags, there is a set for each shard. The script of a commit checks all sets before its first write, because a `ZADD` that fails
//! does not undo what came before it.

use std::collections::BTreeMap;
use std::ops::Bound;

use kv_store::__private::is_empty_range;
use kv_store::key::Key;
use kv_store::store::{EntryPage, EntryQuery, Write};
use kv_store::{Error, Location, Result};
use redis::{Cmd, Pipeline, Value, make_extension_error};

use super::NAME;
use super::error::{Fault, failed, unexpected};
use super::inner::Inner;
use super::key_format::{KeyFormat, index_of};
use super::read::get;
use super::wire;

/// The most entries of a page. A key has at most 1 KiB, so a page has at most 1 MiB.
const MOST_OF_PAGE: usize = 1_024;

/// What a commit does to the entries of one index.
pub(super) struct SetChanges {
    pub(super) set: String,
    /// An entry of the index.
    entry: Key,
    has_additions: bool,
    /// Members in the order of the writes, each behind `+` or `-`.
    changes: Vec<Vec<u8>>,
}

impl SetChanges {
    /// Takes the changes of entries out of the writes of a commit.
    pub(super) fn take_from(writes: &mut Vec<Write>, spelling: KeyFormat) -> Vec<Self> {
        let is_of_entry = |write: &Write| matches!(write, Write::AddEntry(_) | Write::RemoveEntry(_));
        if !writes.iter().any(is_of_entry) {
            return Vec::new();
        }
        let mut sets: BTreeMap<String, Self> = BTreeMap::new();
        for write in writes.extract_if(.., |write| is_of_entry(write)) {
            let is_addition = matches!(write, Write::AddEntry(_));
            let key = write.key();
            let (index, member) = index_of(key.as_str());
            let set = spelling.entry_set(key, index);
            let changes = sets.entry(set.clone()).or_insert_with(|| Self {
                set,
                entry: key.clone(),
                has_additions: false,
                changes: Vec::new(),
            });
            let sign = if is_addition { b"+" } else { b"-" };
            changes.has_additions |= is_addition;
            changes.changes.push([sign, member.as_bytes()].concat());
        }
        sets.into_values().collect()
    }

    /// The member, if all that changes is that the set gets one.
    pub(super) fn only_addition(&self) -> Option<&[u8]> {
        match self.changes.as_slice() {
            [change] => change.strip_prefix(b"+"),
            _ => None,
        }
    }

    /// The key of an entry in the set.
    pub(super) const fn entry(&self) -> &Key {
        &self.entry
    }

    pub(super) fn at(&self) -> Box<Location> {
        Location::of(NAME, &self.entry)
    }

    /// Appends the words for the script.
    pub(super) fn write(&self, command: &mut Cmd) {
        let kind = if self.has_additions { 'a' } else { 'r' };
        command.arg(format!("{kind}{}", self.changes.len())).arg(&self.changes);
    }

    /// The error of a key that another program has put in the place of the set.
    pub(super) fn not_a_set(&self) -> Error {
        not_a_set(self.at(), "write")
    }
}

/// On a cluster, an index without shards lies on another node than the entities.
pub(super) fn unsupported(at: Box<Location>) -> Error {
    Error::Unsupported { at, capability: "index entries outside of shards, on a cluster" }
}

fn not_a_set(at: Box<Location>, action: &'static str) -> Error {
    failed(at, action, Fault::unsent(make_extension_error("WRONGENTRIES".to_owned(), None)))
}

impl Inner {
    /// Reads a page of entries, and the record beside it, in one round trip.
    pub(super) async fn page_of_entries(&self, query: &EntryQuery) -> Result<EntryPage> {
        let at = || Location::of(NAME, &query.index);
        let is_cluster = self.connection.is_cluster();
        if is_cluster && query.index.shard().is_none() {
            return Err(unsupported(at()));
        }
        let mut page = EntryPage::new();
        if is_empty_range(query.from.as_ref(), query.to.as_ref()) {
            if let Some(key) = &query.also {
                page.also = self.get(key).await?;
            }
            return Ok(page);
        }
        let (index, _) = index_of(query.index.as_str());
        let limit = query.limit.min(MOST_OF_PAGE);
        let set = self.spelling.entry_set(&query.index, index);
        let mut pipeline = Pipeline::with_capacity(2);
        match &query.also {
            // It may lie on another node, and must not be newer than the entries.
            Some(key) if is_cluster => page.also = self.get(key).await?,
            // The server runs the commands in this order.
            Some(key) => {
                pipeline.add_command(get(&self.spelling.spell(key)));
            }
            None => {}
        }
        pipeline.add_command(next_of(&set, index, query, limit + 1));
        let answers = self.connection.pipeline(&set, pipeline).await;
        let mut answers = answers.map_err(|fault| failed(at(), "list", fault))?;
        let members = match answers.pop() {
            Some(Value::Array(members)) => members,
            Some(Value::ServerError(error)) => {
                let fault = Fault::sent(error.into());
                let is_no_set = fault.code().as_deref() == Some("WRONGTYPE");
                return Err(if is_no_set { not_a_set(at(), "list") } else { failed(at(), "list", fault) });
            }
            _ => return Err(unexpected(at(), "list")),
        };
        if let (Some(key), Some(answer)) = (&query.also, answers.pop()) {
            page.also = wire::record(key, answer)?;
        }
        let mut keys = Vec::with_capacity(members.len());
        for member in &members {
            let Value::BulkString(member) = member else { return Err(unexpected(at(), "list")) };
            let Ok(member) = std::str::from_utf8(member) else {
                return Err(Error::Malformed { at: at(), what: "an entry of the index is no text".into() });
            };
            keys.push([index, member].concat());
        }
        page.fill(keys.iter().map(String::as_str), limit);
        Ok(page)
    }
}

/// The command that reads at most so many members of a range.
fn next_of(set: &str, index: &str, query: &EntryQuery, most: usize) -> Cmd {
    let mut command = Cmd::with_capacity(9, set.len() + 64);
    let least = edge(index, query.from.as_ref(), "-");
    let greatest = edge(index, query.to.as_ref(), "+");
    command.arg("ZRANGE").arg(set);
    if query.is_reverse {
        command.arg(greatest).arg(least).arg("BYLEX").arg("REV");
    } else {
        command.arg(least).arg(greatest).arg("BYLEX");
    }
    command.arg("LIMIT").arg(0).arg(most);
    command
}

/// A bound of keys as one of members. A key outside of the index is before all members, or behind
/// all of them.
fn edge(index: &str, bound: Bound<&String>, unbounded: &str) -> Vec<u8> {
    let (sign, key) = match bound {
        Bound::Included(key) => (b"[", key),
        Bound::Excluded(key) => (b"(", key),
        Bound::Unbounded => return unbounded.into(),
    };
    match key.strip_prefix(index) {
        Some(member) => [sign, member.as_bytes()].concat(),
        None if key.as_str() < index => b"-".to_vec(),
        None => b"+".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(writes: &mut Vec<Write>) -> Vec<(String, String)> {
        let sets = SetChanges::take_from(writes, KeyFormat::Plain);
        let changes = |set: &SetChanges| {
            let mut command = Cmd::new();
            set.write(&mut command);
            let words = command.args_iter().map(|word| match word {
                redis::Arg::Simple(word) => String::from_utf8_lossy(word).into_owned(),
                _ => String::new(),
            });
            words.collect::<Vec<_>>().join(" ")
        };
        sets.iter().map(|set| (set.set.clone(), changes(set))).collect()
    }

    #[test]
    fn entries_go_to_the_sets_of_their_indexes_in_order() {
        let key = |text: &str| Key::from_text(text);
        let mut writes = vec![
            Write::AddEntry(key("user!city!York!7!")),
            Write::Delete(key("user:7")),
            Write::RemoveEntry(key("user!age!007!7!")),
            Write::RemoveEntry(key("user!city!Bath!7!")),
            Write::AddEntry(key("acme:user!city!{!7!")),
        ];
        let expected = [
            ("{#index:acme:user!city!}", "a1 +{!7!"),
            ("{#index:user!age!}", "r1 -007!7!"),
            ("{#index:user!city!}", "a2 +York!7! -Bath!7!"),
        ];
        assert_eq!(words(&mut writes), expected.map(|(set, words)| (set.to_owned(), words.to_owned())));
        assert!(matches!(writes.as_slice(), [Write::Delete(_)]));
    }

    #[test]
    fn bounds_outside_of_the_index_are_its_ends() {
        let edge = |bound: Bound<&str>, unbounded| {
            let bound = bound.map(str::to_owned);
            String::from_utf8(edge("user!city!", bound.as_ref(), unbounded)).expect("text")
        };
        assert_eq!(edge(Bound::Included("user!city!"), "-"), "[");
        assert_eq!(edge(Bound::Excluded("user!city!York!"), "-"), "(York!");
        assert_eq!(edge(Bound::Excluded("user!city\""), "+"), "+");
        assert_eq!(edge(Bound::Included("user!age!"), "+"), "-");
        assert_eq!(edge(Bound::Unbounded, "-"), "-");
    }
}
