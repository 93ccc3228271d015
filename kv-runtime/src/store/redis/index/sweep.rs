//! Sweeping: entries whose records are gone leave the index.
//!
//! A writer may have added its entry and not yet written its record. So an entry without record first goes to the shard's limbo, which lists
//! read too, and is dropped when it has been there for a grace and there still is no record. A record that came in between brings it back.

use redis::{Pipeline, Value};

use super::{COMPLETE, SHARDS, limbo, shard};
use crate::store::redis::Inner;
use crate::store::redis::error::Fault;
use crate::store::redis::list::exists;
use crate::store::redis::wire;

/// How many entries are looked at in one go.
const BATCH: usize = 512;

/// The most entries that wait in a shard's limbo: every list reads all of them.
const MOST_IN_LIMBO: u64 = 1_000;

/// What [`sweep_index`](crate::store::RedisStore::sweep_index) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexSweep {
    /// How many entries have no record, and wait for their grace to end.
    pub waiting: usize,
    /// How many were dropped, whose grace had ended.
    pub dropped: usize,
}

impl Inner {
    pub(in crate::store::redis) async fn sweep(
        &self,
        segment: &str,
        grace: u64,
    ) -> Result<IndexSweep, Fault> {
        let mut done = IndexSweep::default();
        for number in 0..SHARDS {
            let shard = shard(segment, number);
            done.dropped += self.drop_waiting(&shard, grace).await?;
            done.waiting += self.find_dangling(&shard).await?;
        }
        Ok(done)
    }

    /// Drops what has waited long enough, and brings back what has a record again.
    async fn drop_waiting(&self, shard: &str, grace: u64) -> Result<usize, Fault> {
        let until = self.time_at(shard).await?.saturating_sub(grace);
        let mut command = redis::cmd("ZRANGE");
        command.arg(limbo(shard)).arg("-inf").arg(format!("({until}")).arg("BYSCORE");
        let mut dropped = 0;
        let waited = members(self.connection.query(shard, command).await?);
        for part in waited.chunks(BATCH) {
            let mut pipeline = Pipeline::new();
            pipeline.atomic();
            for (member, there) in part.iter().zip(self.are_there(part).await?) {
                if there {
                    pipeline.cmd("ZADD").arg(shard).arg(0).arg(member);
                } else {
                    dropped += 1;
                }
                pipeline.cmd("ZREM").arg(limbo(shard)).arg(member);
            }
            self.connection.pipeline(shard, pipeline).await?;
        }
        Ok(dropped)
    }

    /// Moves entries without record to the limbo, and tells how many are there.
    async fn find_dangling(&self, shard: &str) -> Result<usize, Fault> {
        let mut from = format!("({COMPLETE}").into_bytes();
        loop {
            let mut command = redis::cmd("ZCARD");
            command.arg(limbo(shard));
            let waiting = wire::count(self.connection.query(shard, command).await?)?;
            let mut command = redis::cmd("ZRANGE");
            command.arg(shard).arg(&from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(BATCH);
            let entries = members(self.connection.query(shard, command).await?);
            let Some(last) = entries.last() else {
                return Ok(usize::try_from(waiting).unwrap_or(usize::MAX));
            };
            if waiting >= MOST_IN_LIMBO {
                return Ok(usize::try_from(waiting).unwrap_or(usize::MAX));
            }
            from = [b"(", &last[..]].concat();
            let now = self.time_at(shard).await?;
            let mut pipeline = Pipeline::new();
            pipeline.atomic();
            for (member, there) in entries.iter().zip(self.are_there(&entries).await?) {
                // A marker is no key, and is left alone.
                if !there && super::found(self.spelling, member).is_some() {
                    pipeline.cmd("ZADD").arg(limbo(shard)).arg(now).arg(member);
                    pipeline.cmd("ZREM").arg(shard).arg(member);
                }
            }
            if !pipeline.is_empty() {
                self.connection.pipeline(shard, pipeline).await?;
            }
        }
    }

    /// Whether the records of entries are there.
    async fn are_there(&self, entries: &[Vec<u8>]) -> Result<Vec<bool>, Fault> {
        let found = entries.iter().map(|member| super::found(self.spelling, member));
        let spelled: Vec<String> = found
            .map(|found| {
                found.map(|found| self.spelling.spell_found(&found).into_owned()).unwrap_or_default()
            })
            .collect();
        let there = self.each(&spelled, |key| [exists(key)]).await?;
        there.into_iter().map(|[there]| Ok(wire::count(there)? > 0)).collect()
    }

    /// The time of the server that has the shard, in milliseconds since the Unix epoch.
    async fn time_at(&self, shard: &str) -> Result<u64, Fault> {
        let Value::Array(parts) = self.connection.query(shard, redis::cmd("TIME")).await? else {
            return Ok(0);
        };
        let number = |place: usize| match parts.get(place) {
            Some(Value::BulkString(digits)) => std::str::from_utf8(digits).ok()?.parse::<u64>().ok(),
            _ => None,
        };
        Ok(number(0).unwrap_or_default() * 1_000 + number(1).unwrap_or_default() / 1_000)
    }
}

fn members(answer: Value) -> Vec<Vec<u8>> {
    let Value::Array(members) = answer else { return Vec::new() };
    let member = |member| if let Value::BulkString(member) = member { Some(member) } else { None };
    members.into_iter().filter_map(member).collect()
}
