//! The list index: the keys of a prefix in sorted sets, so that a list costs what the prefix has and not what the server holds.
//!
//! docs/wire-format.md specifies it. What keeps it true:
//!
//! - **A shard is complete only by its marker**, a member that [`rebuild`] alone adds, and only if the shard was not lost since the
//!   rebuild began. A shard that was evicted or flushed has lost its marker with everything else: it is noticed, and rebuilt.
//! - **Writers add before they write**, so a record that is there is in the index. An entry without a record is dangling, and shows nothing: a list
//!   looks at each record that it shows.
//! - **Writers never take away.** A writer that removed an entry behind its delete could remove the one that another writer has just added.
//!   [`sweep`] does it, in two steps with a grace between them.

mod list;
mod rebuild;
mod sweep;

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};
use tokio::sync::Mutex;

use super::Inner;
use super::connection::side_by_side;
use super::error::Fault;
use super::server::Deadline;
use super::spelling::{Found, INDEX, Spelling, escape_braces};
use crate::key::Key;

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
    /// One rebuild at a time is enough for this process.
    rebuilding: Mutex<()>,
}

impl Index {
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, rebuilding: Mutex::default() }
    }
}

/// A write that ended with an error.
pub(super) enum Failure {
    Failed(Fault),
    /// It took place, and the index knows nothing of it, nor that it lacks something.
    Unindexed(Fault),
}

impl Inner {
    /// Sends a command that writes these keys, after the index has them. It goes where `key` lies.
    pub(super) async fn write<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Key>,
        key: &str,
        command: Cmd,
        by: Deadline,
    ) -> Result<Value, Failure> {
        let additions = self.additions(keys);
        if additions.is_empty() {
            return self.connection.query_by(key, &command, by).await.map_err(Failure::Failed);
        }
        if self.connection.is_cluster() {
            let added = self.add(additions, by).await;
            added.map_err(|fault| Failure::Failed(Fault::unsent(fault.error)))?;
            return self.connection.query_by(key, &command, by).await.map_err(Failure::Failed);
        }
        // A server carries out a pipeline in its order.
        let mut pipeline = Pipeline::with_capacity(additions.len() + 1);
        for (_, addition) in &additions {
            pipeline.add_command(addition.clone());
        }
        pipeline.add_command(command);
        let mut answers = self.connection.pipeline_by(key, &pipeline, by).await.map_err(Failure::Failed)?;
        let answer = match answers.pop() {
            Some(Value::ServerError(error)) => return Err(Failure::Failed(Fault::sent(error.into()))),
            answer => answer.unwrap_or_default(),
        };
        for ((shard, _), added) in additions.iter().zip(answers) {
            if let Value::ServerError(_) = added {
                // The record is there without its entry: the shard has to be rebuilt. That takes no memory, which the server may lack.
                self.connection
                    .query_by(shard, &zrem(shard, COMPLETE), by)
                    .await
                    .map_err(Failure::Unindexed)?;
            }
        }
        Ok(answer)
    }

    /// The commands that add keys to their shards, and the shards.
    pub(super) fn additions<'k>(&self, keys: impl IntoIterator<Item = &'k Key>) -> Vec<(String, Cmd)> {
        if self.index.is_none() {
            return Vec::new();
        }
        let entries = keys.into_iter().map(|key| (key.as_str(), key.entity_part().len()));
        self.additions_of(entries)
    }

    fn additions_of<'k>(&self, keys: impl Iterator<Item = (&'k str, usize)>) -> Vec<(String, Cmd)> {
        let mut shards: BTreeMap<String, Cmd> = BTreeMap::new();
        for (text, entity_len) in keys {
            let shard = shard_of(text);
            let addition = shards.entry(shard).or_insert_with_key(|shard| {
                let mut command = Cmd::with_capacity(4, shard.len() + text.len() + 24);
                command.arg("ZADD").arg(shard);
                command
            });
            addition.arg(0).arg(member(self.spelling, text, entity_len));
        }
        shards.into_iter().collect()
    }

    /// Adds entries, the shards side by side. An addition does no harm twice, so one whose answer was lost is sent again.
    pub(super) async fn add(&self, additions: Vec<(String, Cmd)>, by: Deadline) -> Result<(), Fault> {
        let adding = additions.into_iter().map(async |(shard, addition)| {
            match self.connection.query_by(&shard, &addition, by).await {
                Err(fault) if fault.may_have_happened() => {
                    self.connection.query_by(&shard, &addition, by).await.map(drop)
                }
                answer => answer.map(drop),
            }
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

/// The part of a key before its first `:`, whose keys share an index. A prefix that has none is no index's.
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

/// The entry of a key: its text; with hash tags also where its entity ends, so that it can be spelled again.
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

fn zrem(shard: &str, member: &str) -> Cmd {
    let mut command = redis::cmd("ZREM");
    command.arg(shard).arg(member);
    command
}

/// FNV-1a of 64 bits: the same in every process and language.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
