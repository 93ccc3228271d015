//! Records that hash tags hide: they are under the plain key, where this store does not look.
//!
//! Another program wrote them, or a store without hash tags. A call that finds nothing under the key
//! with a hash tag looks under the plain one, and fails if a record is there: it would miss that
//! record, or make a second one beside it.

mod look;

use std::borrow::Cow;
use std::collections::HashSet;

use kv_store::key::Key;
use kv_store::store::{Condition, Expect, ListQuery};
use kv_store::{Error, Location, Result};

use super::NAME;
use super::inner::Inner;
use super::key_format::KeyFormat;
use super::server::Deadline;

pub(super) use look::NOTHING_WRITTEN;

/// The longest key that an error shows in its form with a hash tag.
const LONGEST_SHOWN: usize = 256;

/// A condition of the script that stands behind one of the commit's.
pub(super) struct Beside {
    /// The index of the commit's condition.
    pub(super) of: usize,
    pub(super) key: String,
    /// What is expected, as the script reads it.
    pub(super) word: Vec<u8>,
    /// Whether it is about a plain key, and not about a lease.
    pub(super) is_plain_key: bool,
}

/// Further conditions in the order of those that they stand behind. Both lists have it already.
pub(super) fn in_order(mut shown: Vec<Beside>, hidden: Vec<Beside>) -> Vec<Beside> {
    shown.extend(hidden);
    shown.sort_by_key(|beside| beside.of);
    shown
}

/// Which of the commit's conditions the script means by the number of a key, and the further one if
/// it is that. Keys behind those of conditions are none of them.
pub(super) fn condition_of(beside: &[Beside], key: usize) -> (usize, Option<&Beside>) {
    let further = beside.iter().enumerate().take_while(|(before, it)| it.of + before < key);
    match further.last() {
        Some((before, it)) if it.of + before + 1 == key => (it.of, Some(it)),
        Some((before, _)) => (key - before - 1, None),
        None => (key, None),
    }
}

impl Inner {
    /// The conditions that there is no record under the plain keys of entities that the commit
    /// makes appear. An entity of which it expects a record is there already, under its keys with
    /// hash tags.
    pub(super) fn hidden_keys(&self, conditions: &[Condition]) -> Vec<Beside> {
        if !self.checks_plain_keys {
            return Vec::new();
        }
        let is_absent = |condition: &&Condition| matches!(condition.expect, Expect::Absent);
        let there = conditions.iter().filter(|condition| !is_absent(condition));
        let there: HashSet<&str> = there.map(|condition| condition.key.entity_part()).collect();
        let appears = |condition: &Condition| {
            is_absent(&condition)
                && !condition.moves_here
                && self.may_be_hidden(&condition.key)
                && !there.contains(condition.key.entity_part())
        };
        let appearing = conditions.iter().enumerate().filter(|(_, condition)| appears(condition));
        appearing
            .map(|(index, condition)| Beside {
                of: index,
                key: KeyFormat::Plain.spell(&condition.key).into_owned(),
                word: b"n".to_vec(),
                is_plain_key: true,
            })
            .collect()
    }

    /// Looks for records under plain keys, where the commit cannot: on a cluster these keys are on
    /// other nodes. Returns what is left for the commit.
    pub(super) async fn look_for_hidden(
        &self,
        conditions: &[Condition],
        hidden: Vec<Beside>,
        by: Deadline,
    ) -> Result<Vec<Beside>> {
        if hidden.is_empty() || !self.connection.is_cluster() {
            return Ok(hidden);
        }
        let keys = hidden.iter().filter_map(|it| Some(&conditions.get(it.of)?.key));
        self.none_is_beside(keys, by).await?;
        Ok(Vec::new())
    }

    /// The error of a listed record that is under the plain key. Nothing here tells which part of it
    /// is secret.
    pub(super) fn is_hidden_from(query: &ListQuery) -> Error {
        let what = "the record is under the key without a hash tag, and this store reads and writes \
                    keys with hash tags; move it with `migrate_keys` from a store without `hash_tags`";
        Error::InvalidOptions { at: Location::of(NAME, query.prefix()), what: what.into() }
    }

    /// The error of a record that is under the plain key, with what it says at its end.
    pub(super) fn is_hidden(&self, key: &Key, end: &str) -> Error {
        let at = Location::of(NAME, key);
        let ours = self.spelling.spell(key);
        let ours = match key.has_secret() || ours.len() > LONGEST_SHOWN {
            true => Cow::Borrowed("the same key with a hash tag"),
            false => Cow::Owned(format!("`{ours}`")),
        };
        let plain = at.key.as_deref().unwrap_or_default();
        let what = format!(
            "a record is under the plain key `{plain}`, and this store reads and writes {ours}; move it with \
             `migrate_keys` from a store without `hash_tags`{end}"
        );
        Error::InvalidOptions { at, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_key_leads_to_its_condition() {
        let beside = |of: usize| Beside { of, key: String::new(), word: Vec::new(), is_plain_key: true };
        // Conditions 0, 1 and 2: 0, its further ones, 1, 2, its further one, a write.
        let beside = [beside(0), beside(0), beside(2)];
        let found: Vec<_> = (0..7).map(|key| condition_of(&beside, key)).collect();
        let found: Vec<_> = found.iter().map(|(of, it)| (*of, it.is_some())).collect();
        assert_eq!(found, [(0, false), (0, true), (0, true), (1, false), (2, false), (2, true), (3, false)]);
        assert_eq!(condition_of(&[], 4).0, 4);
    }
}
