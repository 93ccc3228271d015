//! Conditional commits: one script on the server, which nothing comes between.

use std::borrow::Cow;

use redis::{Cmd, Value};

use super::error::unexpected;
use super::index::Failure;
use super::lease::Leases;
use super::script::{Lua, lua};
use super::server::Deadline;
use super::wire::{Lifetime, Outgoing};
use super::{Inner, NAME};
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::Expiry;
use crate::store::{Commit, Condition, Expect, Write};

static COMMIT: Lua = lua!(include_str!("commit.lua"));

/// A write as the script is told of it.
enum Told {
    Record(&'static str, Key, Outgoing),
    /// With the kind of touch.
    Touch(&'static str, Key, Lifetime),
    Delete(Key),
}

impl Told {
    fn new(write: Write) -> Result<Self> {
        Ok(match write {
            Write::Put(key, record) => Self::Record("p", key.clone(), Outgoing::new(&key, record)?),
            Write::Update(key, record) => Self::Record("u", key.clone(), Outgoing::new(&key, record)?),
            Write::Touch(key, expiry @ Expiry::AtLeast(_)) => Self::Touch("e", key, Lifetime::of(expiry)),
            Write::Touch(key, expiry) => Self::Touch("t", key, Lifetime::of(expiry)),
            Write::Delete(key) => Self::Delete(key),
        })
    }

    const fn key(&self) -> &Key {
        match self {
            Self::Record(_, key, _) | Self::Touch(_, key, _) | Self::Delete(key) => key,
        }
    }

    fn write_words(&self, command: &mut Cmd) {
        match self {
            Self::Record(kind, _, record) => command.arg(spec(kind, record.lifetime())).arg(record),
            Self::Touch(kind, _, lifetime) => command.arg(spec(kind, *lifetime)).arg(""),
            Self::Delete(_) => command.arg("d").arg(""),
        };
    }
}

fn spec(kind: &str, lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Endless => kind.to_owned(),
        Lifetime::Millis(ttl) => format!("{kind}x{ttl}"),
        Lifetime::Until(moment) => format!("{kind}a{moment}"),
        Lifetime::Over => format!("{kind}o"),
    }
}

impl Inner {
    pub(super) async fn commit(&self, conditions: Vec<Condition>, writes: Vec<Write>) -> Result<Commit> {
        let leases = self.leases(&conditions, &writes);
        let writes = writes.into_iter().map(Told::new).collect::<Result<Vec<_>>>()?;
        let keys: Vec<&Key> =
            conditions.iter().map(|condition| &condition.key).chain(writes.iter().map(Told::key)).collect();
        let Some(first) = keys.first() else { return Ok(Commit::Done) };
        let at = || Location::of(NAME, first);
        let spelled: Vec<_> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        if self.by_slot(&spelled).len() > 1 {
            let capability = "one commit of keys on several slots of the cluster";
            return Err(Error::Unsupported { at: at(), capability });
        }
        let words = |command: &mut Cmd| write_words(command, &spelled, &conditions, &writes, &leases);
        let first_key = spelled.first().map(|key| &**key).unwrap_or_default();
        let listed = writes.iter().filter_map(|write| match write {
            Told::Record(_, key, record) if record.lifetime() != Lifetime::Over => Some(key),
            _ => None,
        });
        let by = self.connection.deadline();
        match self.run(first_key, &listed.collect::<Vec<_>>(), &words, by).await {
            Ok(Value::Int(0)) => Ok(Commit::Done),
            Ok(Value::Int(place)) => {
                let place = usize::try_from(place).unwrap_or(1) - 1;
                let of_lease = |of: usize| leases.shown.get(of).map_or(0, |(place, _, _)| *place);
                Ok(Commit::Conflict(place.checked_sub(conditions.len()).map_or(place, of_lease)))
            }
            Ok(_) => Err(unexpected(at(), "write")),
            Err(failure) => {
                let written: Vec<_> = writes
                    .iter()
                    .filter_map(|write| match write {
                        Told::Record(_, key, record) => Some((key, record)),
                        Told::Touch(..) | Told::Delete(_) => None,
                    })
                    .collect();
                self.settle(&written, failure, by, at).await.map(|()| Commit::Done)
            }
        }
    }

    /// Runs the script by its hash, or by its text on a server that has not seen it.
    async fn run(
        &self,
        key: &str,
        listed: &[&Key],
        words: &(dyn Fn(&mut Cmd) + Sync),
        by: Deadline,
    ) -> Result<Value, Failure> {
        let mut command = COMMIT.by_hash();
        words(&mut command);
        match self.write(listed.iter().copied(), key, command, by).await {
            // Whether the index took the keys is only known of a write that took place: they are
            // sent again.
            Err(Failure::Failed(fault)) if fault.code().as_deref() == Some("NOSCRIPT") => {
                let mut command = COMMIT.by_text();
                words(&mut command);
                self.write(listed.iter().copied(), key, command, by).await
            }
            answer => answer,
        }
    }
}

/// All words of a commit. To the script a lease is one more condition, and its end one more write.
fn write_words(
    command: &mut Cmd,
    spelled: &[Cow<'_, str>],
    conditions: &[Condition],
    writes: &[Told],
    leases: &Leases,
) {
    let Leases { shown, ended } = leases;
    command.arg(spelled.len() + shown.len() + ended.len());
    let (of_conditions, of_writes) = spelled.split_at_checked(conditions.len()).unwrap_or((spelled, &[]));
    for key in of_conditions {
        command.arg(&**key);
    }
    for (_, lease, _) in shown {
        command.arg(lease);
    }
    for key in of_writes {
        command.arg(&**key);
    }
    command.arg(ended).arg(conditions.len() + shown.len());
    for condition in conditions {
        command.arg(expectation(&condition.expect));
    }
    for (_, _, number) in shown {
        command.arg([&b"v"[..], &number.to_le_bytes()].concat());
    }
    writes.iter().for_each(|write| write.write_words(command));
    for _ in ended {
        command.arg("d").arg("");
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
