//! The next keys of a list, by the index.

use std::sync::Arc;

use kv_store::store::ListQuery;
use redis::{ErrorKind, RedisError, Value};

use super::entries::of_index;
use super::layout::{COMPLETE, SHARDS, found, segment_of, shard, waiting};
use crate::connection::side_by_side;
use crate::error::{Fault, INDEX_LOST, unexpected_answer};
use crate::inner::Inner;
use crate::key_format::{FoundKey, KeyFormat};
use crate::list::Candidates;
use crate::script::{Lua, lua};

/// How often a page has a lost index rebuilt before it gives up.
const REBUILDS: u32 = 3;

/// The most entries that are taken of a shard at once.
const MOST_OF_SHARD: usize = 4_096;

/// What the shards have of a list.
struct Next {
    keys: Vec<FoundKey>,
    /// Whether every shard is complete.
    complete: bool,
    /// Up to where all of them were read; nothing if to their ends.
    horizon: Option<FoundKey>,
}

impl Next {
    /// Takes keys in their order. If there may be more behind them, nothing is known beyond the
    /// last.
    fn take(&mut self, keys: impl Iterator<Item = FoundKey>, is_full: bool) {
        let before = self.keys.len();
        self.keys.extend(keys);
        let last = self.keys.get(before..).and_then(<[FoundKey]>::last).filter(|_| is_full);
        if let Some(last) = last
            && self.horizon.as_ref().is_none_or(|horizon| last < horizon)
        {
            self.horizon = Some(last.clone());
        }
    }
}

static SHARDS_FROM: Lua = lua!(include_str!("shards.lua"));

const NO_SHARD: &str = "an index is made of sorted sets";

impl Inner {
    /// The next keys of a list, from each shard as many as its share of the page; nothing if no
    /// index has the prefix.
    pub(crate) async fn indexed(
        self: &Arc<Self>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Option<Candidates>, Fault> {
        let prefix = query.prefix().as_str();
        let (Some(_), Some(segment)) = (&self.index, segment_of(prefix)) else { return Ok(None) };
        for _ in 0..REBUILDS {
            let Next { mut keys, complete, horizon } =
                self.next_of_shards(segment, query, after).await.map_err(of_index)?;
            if !complete {
                match self.completed(segment).await {
                    // Its memory is full, and it can be read all the same.
                    Err(fault) if fault.code().as_deref() == Some("OOM") => return Ok(None),
                    completed => completed?,
                }
                continue;
            }
            let more = horizon.is_some();
            keys.retain(|found| horizon.as_ref().is_none_or(|horizon| found <= horizon));
            keys.sort_unstable();
            if let Some(horizon) = &horizon {
                self.leave_last(&mut keys, horizon);
            }
            // The last one that was looked at has to be known even if it is of another group.
            let last = keys.last().map(|found| found.text.clone());
            keys.retain(|found| self.spelling.is_listed(query.prefix(), found));
            // A raw key and one of a group may have the same text, which is shown once.
            keys.dedup_by(|later, first| later.text == first.text);
            keys.retain(|found| query.matches(&found.text));
            return Ok(Some(Candidates { keys, more, last, remainder: 0 }));
        }
        Err(Fault::unsent(RedisError::from((ErrorKind::Client, INDEX_LOST))))
    }

    /// Leaves the last key to the next page if another key may have the same text, and a list may show
    /// that one alone. It stays if it is the only one.
    fn leave_last(&self, keys: &mut Vec<FoundKey>, horizon: &FoundKey) {
        let is_before = |found: &FoundKey| found.text < horizon.text;
        if self.spelling == KeyFormat::HashTags && keys.first().is_some_and(is_before) {
            keys.retain(is_before);
        }
    }

    async fn next_of_shards(
        &self,
        segment: &str,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Next, Fault> {
        let prefix = query.prefix().as_str();
        let from = match (after, self.spelling) {
            (Some(after), KeyFormat::Plain) => format!("({after}").into_bytes(),
            // Behind all entries of this key, wherever its entity ends.
            (Some(after), KeyFormat::HashTags) => [b"(", after.as_bytes(), b"\0\xFF"].concat(),
            (None, _) => format!("[{prefix}").into_bytes(),
        };
        let to = behind(prefix);
        let most = share(query.limit());
        let mut next = Next { keys: Vec::new(), complete: true, horizon: None };
        for answer in self.shards_from(segment, &from, &to, most).await? {
            let Value::Array(parts) = answer else { return Err(unexpected_answer(NO_SHARD)) };
            let Ok([Value::Array(members), Value::Array(waiting), Value::Int(is_complete)]) =
                <[Value; 3]>::try_from(parts)
            else {
                return Err(unexpected_answer(NO_SHARD));
            };
            next.complete &= is_complete == 1;
            for members in [members, waiting] {
                next.take(members.iter().filter_map(|member| self.found(member)), members.len() == most);
            }
        }
        Ok(next)
    }

    /// What each shard has from here to there. One server answers for all of one moment.
    async fn shards_from(
        &self,
        segment: &str,
        from: &[u8],
        to: &[u8],
        most: usize,
    ) -> Result<Vec<Value>, Fault> {
        let keys: Vec<[String; 2]> = (0..SHARDS)
            .map(|number| shard(segment, number))
            .map(|shard| [shard.clone(), waiting(&shard)])
            .collect();
        let most = most.to_string();
        let arguments = [from, to, most.as_bytes(), COMPLETE.as_bytes()];
        let together = if self.connection.is_cluster() { 1 } else { keys.len() };
        let by = self.connection.deadline();
        let asking = keys.chunks(together).map(async |shards| {
            let answer = self.connection.run(&SHARDS_FROM, shards.as_flattened(), &arguments, by).await?;
            if let Value::Array(shards) = answer { Ok(shards) } else { Err(unexpected_answer(NO_SHARD)) }
        });
        let mut shards = Vec::with_capacity(keys.len());
        for answer in side_by_side(asking).await {
            shards.extend(answer?);
        }
        Ok(shards)
    }

    pub(super) fn found(&self, member: &Value) -> Option<FoundKey> {
        let Value::BulkString(member) = member else { return None };
        found(self.spelling, member)
    }
}

/// The end of the texts that begin with this one. No byte of UTF-8 is the last byte, so the last
/// one can be raised.
fn behind(prefix: &str) -> Vec<u8> {
    let mut end = [b"(", prefix.as_bytes()].concat();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// How many entries of each shard a page takes: its share, and twice the deviation that chance
/// gives it, so that seldom a shard ends before the page does.
fn share(limit: usize) -> usize {
    let share = limit / SHARDS as usize;
    (share + 2 * share.isqrt() + 4).min(MOST_OF_SHARD)
}
