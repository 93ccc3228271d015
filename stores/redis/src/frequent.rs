//! Scripts of the most frequent commits: an insert, and updates of records that were read, of one
//! entity or by a transaction. They do the same as the script of all commits, with as few calls of the
//! server as a script by hand.

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
    Insert {
        records: Vec<&'a Outgoing>,
        absent: usize,
        set: Option<&'a SetChanges>,
    },
    /// Each record is written on condition of what was read of it.
    Update {
        conditions: &'a [Condition],
        records: &'a [Words<'a>],
    },
}

impl<'a> Frequent<'a> {
    /// The commit with these conditions, writes and changes of index entries, if it is one of these.
    pub(super) fn of(
        conditions: &'a [Condition],
        writes: &'a [Words<'a>],
        keys: &[Cow<'_, str>],
        sets: &'a [SetChanges],
    ) -> Option<Self> {
        if sets.is_empty() && are_updates(conditions, writes, keys) {
            return Some(Self::Update { conditions, records: writes });
        }
        Self::insert(conditions, writes, sets)
    }

    fn insert(conditions: &[Condition], writes: &'a [Words<'a>], sets: &'a [SetChanges]) -> Option<Self> {
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
            Self::Update { conditions, records } => {
                command.arg(records.len());
                for key in keys.iter().take(records.len()) {
                    command.arg(&**key);
                }
                for (condition, words) in conditions.iter().zip(*records) {
                    if let (Expect::Revision(read), Words::Record(_, record)) = (&condition.expect, words) {
                        command.arg(*record);
                        match read.token() {
                            Some(token) => command.arg("t").arg(&token.to_le_bytes()),
                            None => {
                                command.arg("v").arg(read.plain().map(|value| &value[..]).unwrap_or_default())
                            }
                        };
                    }
                }
            }
        }
        command
    }
}

/// Returns whether each record is updated on condition of what was read of it, in the same order, and
/// nothing else. The keys are those of the conditions, and then those of the writes.
fn are_updates(conditions: &[Condition], writes: &[Words<'_>], keys: &[Cow<'_, str>]) -> bool {
    let is_read = |condition: &Condition| matches!(condition.expect, Expect::Revision(_));
    let is_update = |words: &Words<'_>| matches!(words, Words::Record("u", _));
    let Some((of_conditions, of_writes)) = keys.split_at_checked(conditions.len()) else { return false };
    !conditions.is_empty()
        && of_conditions == of_writes
        && conditions.iter().all(is_read)
        && writes.iter().all(is_update)
}
