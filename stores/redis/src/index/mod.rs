//! The list index: the keys of a prefix in sorted sets, so that a list costs what the prefix has
//! and not what the server holds.
//!
//! [The wire format](https://docs.rs/kv-runtime/latest/kv_runtime/guide/wire_format/index.html) specifies it. What keeps it true:
//!
//! - **A shard is complete only by its marker**, a member that [`rebuild`] alone adds, and only if
//!   the shard was not lost since the rebuild began. A shard that was evicted or flushed has lost
//!   its marker with everything else: it is noticed, and rebuilt.
//! - **Writers add before they write**, so a record that is there is in the index. An entry without
//!   a record is dangling, and shows nothing: a list looks at each record that it shows.
//! - **Writers never take away.** A writer that removed an entry behind its delete could remove the
//!   one that another writer has just added. [`sweep`] does it, in two steps with a grace between
//!   them.

mod list;
mod rebuild;
mod sweep;

use std::collections::BTreeMap;
use std::time::Duration;

use kv_store::key::Key;
use redis::{Cmd, Pipeline, Value, make_extension_error};

use super::Inner;
use super::connection::side_by_side;
use super::error::Fault;
use super::server::Deadline;
use super::spelling::{Found, INDEX, Spelling, escape_braces};
use super::wire::{Lifetime, Outgoing};

use rebuild::Rebuilds;
pub use sweep::IndexSweep;

/// How many shards a prefix has. Part of the layout: another number is another index.
const SHARDS: u64 = 16;

/// The member that makes a shard complete. No key begins with it, and it lies before every key.
const COMPLETE: &str = "\0complete";

/// What the member of a rebuild that is under way begins with; its own number follows.
const REBUILDING: &str = "\0rebuilding:";

pub(super) struct Index {
    /// Longer than any writer takes from its entry to its record.
    pub(super) grace: Duration,
    rebuilds: Rebuilds,
}

impl Index {
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, rebuilds: Rebuilds::default() }
    }
}

/// What a shard gets.
pub(super) struct Entries {
    pub(super) shard: String,
    pub(super) members: Vec<String>,
}

impl Entries {
    fn command(&self) -> Cmd {
        let bytes = self.members.iter().map(String::len).sum::<usize>();
        let mut command = Cmd::with_capacity(2 * self.members.len() + 2, self.shard.len() + bytes + 16);
        command.arg("ZADD").arg(&self.shard);
        for member in &self.members {
            command.arg(0).arg(member);
        }
        command
    }
}

impl Inner {
    /// Whether one script writes records and their entries, as both lie on one server.
    pub(super) fn writes_entries_by_script(&self) -> bool {
        self.index.is_some() && !self.connection.is_cluster()
    }

    /// The entries of the records that will be there; none without an index. A record that is over
    /// already leaves nothing to be listed.
    pub(super) fn entries(&self, records: &[(&Key, &Outgoing)]) -> Vec<Entries> {
        if self.index.is_none() {
            return Vec::new();
        }
        let listed = records.iter().filter(|(_, record)| record.lifetime() != Lifetime::Over);
        self.entries_of(listed.map(|(key, _)| (key.as_str(), key.entity_part().len())))
    }

    fn entries_of<'k>(&self, keys: impl Iterator<Item = (&'k str, usize)>) -> Vec<Entries> {
        let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (text, entity_len) in keys {
            shards.entry(shard_of(text)).or_default().push(member(self.spelling, text, entity_len));
        }
        shards.into_iter().map(|(shard, members)| Entries { shard, members }).collect()
    }

    /// Adds entries before a write. If that fails, the write is not sent.
    pub(super) async fn add_before(&self, entries: Vec<Entries>, by: Deadline) -> Result<(), Fault> {
        self.add(entries, by).await.map_err(|fault| Fault::unsent(fault.error))
    }

    /// Adds entries, the shards side by side. An addition does no harm twice, so one whose answer
    /// was lost is sent again.
    pub(super) async fn add(&self, entries: Vec<Entries>, by: Deadline) -> Result<(), Fault> {
        let adding = entries.into_iter().map(async |entries| {
            let addition = entries.command();
            let added = match self.connection.query_by(&entries.shard, &addition, by).await {
                Err(fault) if fault.may_have_happened() => {
                    self.connection.query_by(&entries.shard, &addition, by).await
                }
                answer => answer,
            };
            added.map(drop).map_err(of_index)
        });
        side_by_side(adding).await.into_iter().collect()
    }

    /// The answers of every shard of a segment to its commands, which are one transaction.
    async fn ask_shards(
        &self,
        segment: &str,
        commands: impl Fn(&str, &mut Pipeline),
    ) -> Result<Vec<Vec<Value>>, Fault> {
        let shards: Vec<String> = (0..SHARDS).map(|number| shard(segment, number)).collect();
        if !self.connection.is_cluster() {
            // One transaction for all.
            let mut pipeline = Pipeline::new();
            pipeline.atomic();
            shards.iter().for_each(|shard| commands(shard, &mut pipeline));
            let each = pipeline.len() / shards.len();
            let answers = self.connection.pipeline("", pipeline).await?;
            return answers
                .chunks(each.max(1))
                .map(|part| part.iter().cloned().map(no_error).collect())
                .collect();
        }
        let asking = shards.iter().map(async |shard| {
            let mut pipeline = Pipeline::new();
            pipeline.atomic();
            commands(shard, &mut pipeline);
            self.connection.pipeline(shard, pipeline).await?.into_iter().map(no_error).collect()
        });
        side_by_side(asking).await.into_iter().collect()
    }
}

fn no_error(answer: Value) -> Result<Value, Fault> {
    answer.extract_error().map_err(Fault::sent)
}

/// The part of a key before its first `:`, whose keys share an index. A prefix that has none is no
/// index's.
fn segment_of(prefix: &str) -> Option<&str> {
    prefix.split_once(':').map(|(segment, _)| segment)
}

fn shard_of(text: &str) -> String {
    let segment = segment_of(text).unwrap_or(text);
    shard(segment, fnv1a(text.as_bytes()) % SHARDS)
}

/// The sorted set of a shard. No key is spelled like this: see `spelling`.
fn shard(segment: &str, number: u64) -> String {
    let mut name = INDEX.to_owned();
    escape_braces(segment, &mut name);
    name.push(':');
    name.push_str(itoa::Buffer::new().format(number));
    name.push('}');
    name
}

/// The sorted set of the entries of a shard that wait to be swept, in the order of the shard.
fn waiting(shard: &str) -> String {
    format!("{shard}:waiting")
}

/// The same entries by the moment since which they wait.
fn times(shard: &str) -> String {
    format!("{shard}:limbo")
}

/// The entry of a key: its text; with hash tags also where its entity ends, so that it can be
/// spelled again.
fn member(spelling: Spelling, text: &str, entity_len: usize) -> String {
    match spelling {
        Spelling::Plain => text.to_owned(),
        Spelling::HashTags => format!("{text}\0{entity_len}"),
    }
}

/// The key of an entry; nothing of a marker.
fn found(spelling: Spelling, member: &[u8]) -> Option<Found> {
    let member = std::str::from_utf8(member).ok().filter(|member| !member.starts_with('\0'))?;
    match spelling {
        Spelling::Plain => Some(Found { text: member.to_owned(), entity_len: member.len() }),
        Spelling::HashTags => {
            let (text, entity_len) = member.rsplit_once('\0')?;
            let entity_len = entity_len.parse().ok().filter(|len| *len <= text.len())?;
            Some(Found { text: text.to_owned(), entity_len })
        }
    }
}

/// What is wrong with a key of the index, and with no record.
pub(super) fn of_index(fault: Fault) -> Fault {
    match fault.code().as_deref() {
        // The script says it in the same way.
        Some("WRONGTYPE") => Fault { error: make_extension_error("WRONGINDEX".to_owned(), None), ..fault },
        _ => fault,
    }
}

/// FNV-1a of 64 bits: the same in every process and language.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
