//! Sweeping: entries whose records are gone leave the index.
//!
//! A writer may have added its entry and not yet written its record. So an entry without record
//! first waits beside its shard, where lists look, too, and is dropped when it has waited for a
//! grace and there still is no record. A record that came in between brings it back. Each step is a
//! script that looks at what it moves, so that sweeps may run side by side.

use redis::{Cmd, Value};

use super::entries::of_index;
use super::layout::{COMPLETE, SHARDS, found, shard, times, waiting};
use crate::error::Fault;
use crate::inner::Inner;
use crate::list::exists;
use crate::script::{Lua, lua};
use crate::wire;

/// How many entries are looked at in one go.
const BATCH: usize = 1_024;

static SWEEP: Lua = lua!(include_str!("sweep.lua"));

/// What [`sweep_index`](crate::RedisStore::sweep_index) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexSweep {
    /// How many entries have no record, and wait for their grace to end.
    pub waiting: usize,
    /// How many were dropped, whose grace had ended.
    pub dropped: usize,
}

impl Inner {
    pub(crate) async fn sweep(&self, segment: &str, grace: u64) -> Result<IndexSweep, Fault> {
        self.sweep_all(segment, grace).await.map_err(of_index)
    }

    async fn sweep_all(&self, segment: &str, grace: u64) -> Result<IndexSweep, Fault> {
        let mut done = IndexSweep::default();
        for number in 0..SHARDS {
            let shard = shard(segment, number);
            done.dropped += self.drop_waiting(&shard, grace).await?;
            self.find_dangling(&shard).await?;
            let mut command = redis::cmd("ZCARD");
            command.arg(waiting(&shard));
            let waiting = wire::count(self.connection.query(&shard, command).await?)?;
            done.waiting += usize::try_from(waiting).unwrap_or(usize::MAX);
        }
        Ok(done)
    }

    /// Drops what has waited long enough, and brings back what has a record again.
    async fn drop_waiting(&self, shard: &str, grace: u64) -> Result<usize, Fault> {
        let until = self.time_at(shard).await?.saturating_sub(grace).to_string();
        let mut dropped = 0;
        loop {
            let mut command = redis::cmd("ZRANGE");
            command
                .arg(times(shard))
                .arg("-inf")
                .arg(format!("({until}"))
                .arg("BYSCORE")
                .arg("LIMIT")
                .arg(0)
                .arg(BATCH);
            let waited = members(self.connection.query(shard, command).await?);
            if waited.is_empty() {
                return Ok(dropped);
            }
            let mut back = Vec::new();
            // What is no entry goes, too.
            let mut gone = Vec::new();
            for (member, there) in self.are_there(waited).await? {
                if there == Some(true) { back.push(member) } else { gone.push(member) }
            }
            self.moved(shard, "restore", &until, &back).await?;
            dropped += self.moved(shard, "drop", &until, &gone).await?;
        }
    }

    /// Has entries without record wait.
    async fn find_dangling(&self, shard: &str) -> Result<(), Fault> {
        let mut from = format!("({COMPLETE}").into_bytes();
        loop {
            let entries = members(self.connection.query(shard, next_of(shard, &from)).await?);
            let Some(last) = entries.last() else { return Ok(()) };
            from = [b"(", &last[..]].concat();
            let mut entries = self.are_there(entries).await?;
            // A marker is no entry, and stays.
            entries.retain(|(_, there)| *there == Some(false));
            let gone: Vec<Vec<u8>> = entries.into_iter().map(|(member, _)| member).collect();
            self.moved(shard, "wait", "0", &gone).await?;
        }
    }

    /// Entries, and whether their records are there; nothing of what is no entry.
    async fn are_there(&self, entries: Vec<Vec<u8>>) -> Result<Vec<(Vec<u8>, Option<bool>)>, Fault> {
        let found: Vec<_> = entries.iter().map(|member| found(self.spelling, member)).collect();
        let known = found.iter().flatten();
        let spelled: Vec<String> = known.map(|found| self.spelling.spell_found(found).into_owned()).collect();
        let by = self.connection.deadline();
        let mut counts = self.each(&spelled, |key| [exists(key)], by).await?.into_iter();
        let mut there = Vec::with_capacity(entries.len());
        for (member, found) in entries.into_iter().zip(found) {
            let count = if found.is_some() { counts.next() } else { None };
            let is_there = count.map(|[count]| wire::count(count)).transpose()?.map(|count| count > 0);
            there.push((member, is_there));
        }
        Ok(there)
    }

    /// Moves entries by the script, and tells how many it moved.
    async fn moved(&self, shard: &str, what: &str, until: &str, entries: &[Vec<u8>]) -> Result<usize, Fault> {
        if entries.is_empty() {
            return Ok(0);
        }
        let keys = [shard.to_owned(), waiting(shard), times(shard)];
        let mut arguments = vec![what.as_bytes(), until.as_bytes()];
        arguments.extend(entries.iter().map(Vec::as_slice));
        let moved = self.connection.run(&SWEEP, &keys, &arguments, self.connection.deadline()).await?;
        Ok(usize::try_from(wire::count(moved)?).unwrap_or(usize::MAX))
    }

    /// The time of the server that has the shard, in milliseconds since the Unix epoch.
    async fn time_at(&self, shard: &str) -> Result<u64, Fault> {
        let Value::Array(parts) = self.connection.query(shard, redis::cmd("TIME")).await? else {
            return Ok(0);
        };
        let number = |index: usize| match parts.get(index) {
            Some(Value::BulkString(digits)) => std::str::from_utf8(digits).ok()?.parse::<u64>().ok(),
            _ => None,
        };
        Ok(number(0).unwrap_or_default() * 1_000 + number(1).unwrap_or_default() / 1_000)
    }
}

/// The next entries of a shard.
fn next_of(shard: &str, from: &[u8]) -> Cmd {
    let mut command = redis::cmd("ZRANGE");
    command.arg(shard).arg(from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(BATCH);
    command
}

fn members(answer: Value) -> Vec<Vec<u8>> {
    let Value::Array(members) = answer else { return Vec::new() };
    let member = |member| if let Value::BulkString(member) = member { Some(member) } else { None };
    members.into_iter().filter_map(member).collect()
}
