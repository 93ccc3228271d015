//! Conditional commits: one script on the server, which no other command can interrupt.

use std::borrow::Cow;

use kv_store::key::Key;
use kv_store::store::{Commit, Condition, Expect, Write};
use kv_store::{Location, Result};
use redis::{Cmd, Value};

use super::NAME;
use super::entry_sets::{SetChanges, unsupported};
use super::error::{Fault, of_other_type, unexpected};
use super::frequent::Frequent;
use super::index::{Entries, of_index};
use super::inner::Inner;
use super::key_format::lease_of;
use super::plain_keys::{self, Beside, NOTHING_WRITTEN};
use super::script::{Lua, lua};
use super::server::Deadline;
use super::wire::Outgoing;
use super::wire_write::{WireWrite, Words};

/// Puts one record and its entry: the most frequent call, without what the other script has to
/// decide. If the index refuses the entry, the script ends there.
static PUT: Lua = lua!(
    "-- KEYS: the record, the shard. ARGV: the entry, the record, and its expiry if it has one.
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('SET', KEYS[1], unpack(ARGV, 2))
return 0"
);

static COMMIT: Lua = lua!(include_str!("commit.lua"));

/// A call of the script. To the script a lease is one more condition, behind that of its record, and
/// its end one more write.
struct Call<'a> {
    conditions: &'a [Condition],
    /// Further conditions, in the order of those that they stand behind.
    beside: &'a [Beside],
    writes: Vec<Words<'a>>,
    /// The keys of the conditions, then those of the writes.
    keys: Vec<Cow<'a, str>>,
    /// The names of the leases that end.
    ended: Vec<String>,
    /// What the list index gets in the same step.
    entries: Vec<Entries>,
    /// What the sets of indexes get and lose.
    sets: &'a [SetChanges],
}

impl Call<'_> {
    fn first_key(&self) -> &str {
        let set = || self.sets.first().map(|set| &*set.set);
        self.keys.first().map(|key| &**key).or_else(set).unwrap_or_default()
    }

    const fn number_of_keys(&self) -> usize {
        self.keys.len() + self.beside.len() + self.ended.len() + self.entries.len() + self.sets.len()
    }

    /// The same for a shorter script, if there is one.
    fn as_frequent(&self) -> Option<Frequent<'_>> {
        let has_more = !self.beside.is_empty() || !self.ended.is_empty() || !self.entries.is_empty();
        if has_more { None } else { Frequent::of(self.conditions, &self.writes, &self.keys, self.sets) }
    }

    fn fill(&self, mut command: Cmd) -> Cmd {
        command.arg(self.number_of_keys());
        let of_conditions = self.conditions.len().min(self.keys.len());
        let (of_conditions, of_writes) = self.keys.split_at(of_conditions);
        let mut beside = self.beside.iter().peekable();
        for (index, key) in of_conditions.iter().enumerate() {
            command.arg(&**key);
            while let Some(further) = beside.next_if(|further| further.of == index) {
                command.arg(&further.key);
            }
        }
        for key in of_writes {
            command.arg(&**key);
        }
        command.arg(&self.ended);
        for entries in &self.entries {
            command.arg(&entries.shard);
        }
        for set in self.sets {
            command.arg(&set.set);
        }

        command.arg(self.conditions.len() + self.beside.len()).arg(self.writes.len() + self.ended.len());
        command.arg(self.entries.len());
        let mut beside = self.beside.iter().peekable();
        for (index, condition) in self.conditions.iter().enumerate() {
            command.arg(expectation(&condition.expect));
            while let Some(further) = beside.next_if(|further| further.of == index) {
                command.arg(&further.word);
            }
        }
        self.writes.iter().for_each(|write| write.write(&mut command));
        self.ended.iter().for_each(|_| Words::Delete.write(&mut command));
        for entries in &self.entries {
            command.arg(entries.members.len()).arg(&entries.members);
        }
        self.sets.iter().for_each(|set| set.write(&mut command));
        command
    }
}

impl Inner {
    pub(super) async fn commit(&self, conditions: Vec<Condition>, mut writes: Vec<Write>) -> Result<Commit> {
        let sets = SetChanges::take_from(&mut writes, self.spelling);
        let is_outside = |set: &&SetChanges| set.entry().shard().is_none();
        if let Some(set) = sets.iter().find(is_outside).filter(|_| self.connection.is_cluster()) {
            return Err(unsupported(set.at()));
        }
        let by = self.connection.deadline();
        self.none_is_hidden_from(&conditions, &writes, by).await?;
        let leases = self.leases(&conditions, &writes);
        let hidden = self.hidden_keys(&conditions);
        let writes = writes.into_iter().map(WireWrite::new).collect::<Result<Vec<_>>>()?;
        let keys =
            || conditions.iter().map(|condition| &condition.key).chain(writes.iter().map(WireWrite::key));
        let at = || match (keys().next(), sets.first()) {
            (Some(first), _) => Location::of(NAME, first),
            (None, Some(set)) => set.at(),
            (None, None) => Location::store(NAME),
        };
        if keys().next().is_none() && sets.is_empty() {
            return Ok(Commit::Done);
        }
        self.info
            .capabilities()
            .limits
            .commit_scope
            .check(NAME, keys().chain(sets.iter().map(SetChanges::entry)))?;
        let spelled: Vec<_> = keys().map(|key| self.spelling.spell(key)).collect();
        let records: Vec<(&Key, &Outgoing)> = writes
            .iter()
            .filter_map(|write| match write {
                WireWrite::Record(_, key, record) => Some((key, record)),
                WireWrite::Touch(..) | WireWrite::Delete(_) => None,
            })
            .collect();
        let hidden = self.look_for_hidden(&conditions, hidden, by).await?;
        let beside = plain_keys::in_order(leases.shown, hidden);
        let call = Call {
            conditions: &conditions,
            beside: &beside,
            writes: writes.iter().map(WireWrite::words).collect(),
            keys: spelled,
            ended: leases.ended,
            entries: self.entries(&records),
            sets: &sets,
        };
        let first_of_sets = call.number_of_keys() - sets.len();
        match self.run(call, by).await {
            Ok(Value::Int(0)) => Ok(Commit::Done),
            Ok(Value::Int(place)) => {
                let key = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX).saturating_sub(1);
                let (condition, further) = plain_keys::condition_of(&beside, key);
                if place > 0 {
                    return match (further, conditions.get(condition)) {
                        (Some(Beside { is_plain_key: true, .. }), Some(condition)) => {
                            Err(self.is_hidden(&condition.key, NOTHING_WRITTEN))
                        }
                        (None, Some(Condition { key, expect: Expect::Present, .. }))
                            if self.may_be_hidden(key) =>
                        {
                            Box::pin(self.is_not_hidden(key, by)).await.map(|()| Commit::Conflict(condition))
                        }
                        _ => Ok(Commit::Conflict(condition)),
                    };
                }
                // The key has another type of value than it must.
                if let Some(set) = key.checked_sub(first_of_sets).and_then(|set| sets.get(set)) {
                    return Err(set.not_a_set());
                }
                let other = conditions.get(condition).map(|condition| Location::of(NAME, &condition.key));
                Err(of_other_type(other.unwrap_or_else(at)))
            }
            Ok(_) => Err(unexpected(at(), "write")),
            Err(fault) => self.settle(&records, fault, by, at).await.map(|()| Commit::Done),
        }
    }

    /// Writes records and their entries in the list index, all or nothing. One server has both.
    pub(super) async fn put_with_entries(
        &self,
        records: &[(&Key, &Outgoing)],
        by: Deadline,
    ) -> Result<(), Fault> {
        let (now, entries) = (self.info.clock().now(), self.entries(records));
        if let ([(key, record)], [Entries { shard, members }]) = (records, entries.as_slice())
            && !record.lifetime().is_short(now)
        {
            let spelled = self.spelling.spell(key);
            let fill = |mut command: Cmd| {
                command.arg(2).arg(&*spelled).arg(shard).arg(members);
                record.value_and_expiry(&mut command);
                command
            };
            let put = self.connection.run_filled(&spelled, &PUT, fill, by).await;
            return put.map(drop).map_err(of_index);
        }
        let short = records.iter().filter(|(_, record)| record.lifetime().is_short(now));
        let ended = short.map(|(key, _)| lease_of(&self.spelling.spell(key))).collect();
        let call = Call {
            conditions: &[],
            beside: &[],
            writes: records.iter().map(|(_, record)| Words::Record("p", record)).collect(),
            keys: records.iter().map(|(key, _)| self.spelling.spell(key)).collect(),
            ended,
            entries,
            sets: &[],
        };
        self.run(call, by).await.map(drop)
    }

    /// Runs the script. The index gets its entries by it, or before it where they may lie on other
    /// nodes.
    async fn run(&self, mut call: Call<'_>, by: Deadline) -> Result<Value, Fault> {
        if self.connection.is_cluster() {
            self.add_before(std::mem::take(&mut call.entries), by).await?;
        }
        if let Some(frequent) = call.as_frequent() {
            let fill = |command: Cmd| frequent.fill(command, &call.keys);
            return self.connection.run_filled(call.first_key(), frequent.script(), fill, by).await;
        }
        self.connection.run_filled(call.first_key(), &COMMIT, |command| call.fill(command), by).await
    }
}

/// The word for what is expected, as the script reads it.
fn expectation(expect: &Expect) -> Vec<u8> {
    match expect {
        Expect::Absent => b"a".to_vec(),
        Expect::Present => b"p".to_vec(),
        Expect::Revision(revision) => match (revision.token(), revision.plain()) {
            (Some(token), _) => [&b"t"[..], &token.to_le_bytes()].concat(),
            (None, plain) => [&b"v"[..], plain.map(|value| &value[..]).unwrap_or_default()].concat(),
        },
    }
}
