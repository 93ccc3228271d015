//! Adding entries.

use std::collections::BTreeMap;

use kv_store::key::Key;
use redis::{Cmd, Pipeline, Value, make_extension_error};

use super::layout::{SHARDS, member, shard, shard_of};
use crate::connection::side_by_side;
use crate::error::Fault;
use crate::inner::Inner;
use crate::key_format::FoundKey;
use crate::server::Deadline;
use crate::wire::{Lifetime, Outgoing};

/// What a shard gets.
pub(crate) struct Entries {
    pub(crate) shard: String,
    pub(crate) members: Vec<String>,
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
    pub(crate) fn writes_entries_by_script(&self) -> bool {
        self.index.is_some() && !self.connection.is_cluster()
    }

    /// The entries of the records that will be there; none without an index. A record that is over
    /// already leaves nothing to be listed.
    pub(crate) fn entries(&self, records: &[(&Key, &Outgoing)]) -> Vec<Entries> {
        if self.index.is_none() {
            return Vec::new();
        }
        let listed = records.iter().filter(|(_, record)| record.lifetime() != Lifetime::Over);
        self.entries_of(listed.map(|(key, _)| FoundKey::of(key)))
    }

    pub(super) fn entries_of(&self, keys: impl Iterator<Item = FoundKey>) -> Vec<Entries> {
        let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for key in keys {
            shards.entry(shard_of(&key.text)).or_default().push(member(self.spelling, &key));
        }
        shards.into_iter().map(|(shard, members)| Entries { shard, members }).collect()
    }

    /// Adds entries before a write. If that fails, the write is not sent.
    pub(crate) async fn add_before(&self, entries: Vec<Entries>, by: Deadline) -> Result<(), Fault> {
        self.add(entries, by).await.map_err(|fault| Fault::unsent(fault.error))
    }

    /// Adds entries, the shards side by side. An addition does no harm twice, so one whose answer
    /// was lost is sent again.
    pub(crate) async fn add(&self, entries: Vec<Entries>, by: Deadline) -> Result<(), Fault> {
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
    pub(super) async fn ask_shards(
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

/// What is wrong with a key of the index, and with no record.
pub(crate) fn of_index(fault: Fault) -> Fault {
    match fault.code().as_deref() {
        // The script says it in the same way.
        Some("WRONGTYPE") => Fault { error: make_extension_error("WRONGINDEX".to_owned(), None), ..fault },
        _ => fault,
    }
}
