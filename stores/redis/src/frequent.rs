//! Scripts of the most frequent commits: an insert, and an update of one record. They do the same as
//! the script of all commits, with as few calls of the server as a script by hand.

use std::borrow::Cow;

use kv_store::store::{Condition, Expect};
use redis::Cmd;

use super::entry_sets::SetChanges;
use super::script::{Lua, lua};
use super::wire::{Lifetime, Outgoing};
use super::wire_write::Words;

static INSERT: Lua = lua!(include_str!("insert.lua"));
static UPDATE: Lua = lua!(include_str!("update.lua"));

/// The most keys of an insert: Lua passes few enough to a command at a time.
const MOST_KEYS: usize = 64;

/// A commit that one of the scripts makes. The places of its keys are those of the other script.
pub(super) enum Frequent<'a> {
    Insert { records: Vec<&'a Outgoing>, absent: usize, set: Option<&'a SetChanges> },
    Update { record: &'a Outgoing, read: Read<'a> },
}

/// What was read of a record.
pub(super) enum Read<'a> {
    Token(u64),
    Value(&'a [u8]),
}

impl<'a> Frequent<'a> {
    /// The commit with these conditions, writes and changes of index entries, if it is one of these.
    pub(super) fn of(
        conditions: &'a [Condition],
        writes: &[Words<'a>],
        keys: &[Cow<'_, str>],
        sets: &'a [SetChanges],
    ) -> Option<Self> {
        Self::update(conditions, writes, keys, sets).or_else(|| Self::insert(conditions, writes, sets))
    }

    fn update(
        conditions: &'a [Condition],
        writes: &[Words<'a>],
        keys: &[Cow<'_, str>],
        sets: &[SetChanges],
    ) -> Option<Self> {
        let ([condition], [Words::Record("u", record)], [of, written], []) = (conditions, writes, keys, sets)
        else {
            return None;
        };
        let Expect::Revision(revision) = &condition.expect else { return None };
        let read = match (revision.token(), revision.plain()) {
            (Some(token), _) => Read::Token(token),
            (None, Some(value)) => Read::Value(value),
            (None, None) => return None,
        };
        (of == written).then_some(Self::Update { record, read })
    }

    fn insert(conditions: &[Condition], writes: &[Words<'a>], sets: &'a [SetChanges]) -> Option<Self> {
        let (set, is_addition) = match sets {
            [] => (None, true),
            [set] => (Some(set), set.only_addition().is_some()),
            _ => return None,
        };
        let absent = conditions.len();
        let are_absent = conditions.iter().all(|condition| matches!(condition.expect, Expect::Absent));
        if absent == 0 || absent + writes.len() > MOST_KEYS || !are_absent || !is_addition {
            return None;
        }
        let endless = |words: &Words<'a>| match words {
            Words::Record("p", record) if record.lifetime() == Lifetime::Endless => Some(*record),
            _ => None,
        };
        let records = writes.iter().map(endless).collect::<Option<Vec<_>>>()?;
        Some(Self::Insert { records, absent, set })
    }

    pub(super) const fn script(&self) -> &'static Lua {
        match self {
            Self::Insert { .. } => &INSERT,
            Self::Update { .. } => &UPDATE,
        }
    }

    /// Appends the keys and the arguments.
    pub(super) fn fill(&self, mut command: Cmd, keys: &[Cow<'_, str>]) -> Cmd {
        match self {
            Self::Insert { records, absent, set } => {
                command.arg(keys.len() + usize::from(set.is_some()));
                for key in keys {
                    command.arg(&**key);
                }
                command.arg(set.map(|set| &set.set));
                command.arg(absent).arg(records.len());
                for record in records {
                    command.arg(*record);
                }
                command.arg(set.and_then(SetChanges::only_addition));
            }
            Self::Update { record, read } => {
                command.arg(1).arg(keys.first().map(|key| &**key)).arg(*record);
                match read {
                    Read::Token(token) => command.arg("t").arg(&token.to_le_bytes()),
                    Read::Value(value) => command.arg("v").arg(*value),
                };
            }
        }
        command
    }
}
