//! The next keys of a list, by the index.

use redis::{ErrorKind, Pipeline, RedisError, Value};

use super::{COMPLETE, SHARDS, found, limbo, segment_of};
use crate::store::ListQuery;
use crate::store::redis::Inner;
use crate::store::redis::connection::unexpected_answer;
use crate::store::redis::error::Fault;
use crate::store::redis::list::Candidates;
use crate::store::redis::spelling::{Found, Spelling};

/// How often a page has a lost index rebuilt before it gives up.
const REBUILDS: u32 = 3;

/// The most entries that are taken of a shard at once.
const MOST_OF_SHARD: usize = 4_096;

/// What the shards have of a list.
struct Next {
    keys: Vec<Found>,
    /// Whether every shard is complete.
    complete: bool,
    /// Up to where all of them were read; nothing if to their ends.
    horizon: Option<Found>,
}

impl Inner {
    /// The next keys of a list, from each shard as many as its share of the page; nothing if no index has the prefix.
    pub(in crate::store::redis) async fn indexed(
        &self,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Option<Candidates>, Fault> {
        let prefix = query.prefix().as_str();
        let (Some(_), Some(segment)) = (&self.index, segment_of(prefix)) else { return Ok(None) };
        for _ in 0..REBUILDS {
            let Next { mut keys, complete, horizon } = self.next_of_shards(segment, query, after).await?;
            if !complete {
                self.rebuild(segment, true).await?;
                continue;
            }
            let more = horizon.is_some();
            keys.retain(|found| horizon.as_ref().is_none_or(|horizon| found <= horizon));
            keys.sort_unstable();
            keys.dedup();
            // The last one that was looked at has to be known even if it is of another group.
            let last = keys.last().map(|found| found.text.clone());
            keys.retain(|found| query.matches(&found.text));
            return Ok(Some(Candidates { keys, more, last, remainder: 0 }));
        }
        Err(Fault::unsent(RedisError::from((
            ErrorKind::Client,
            "the list index is lost again and again; does the server evict it?",
        ))))
    }

    async fn next_of_shards(
        &self,
        segment: &str,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Next, Fault> {
        let prefix = query.prefix().as_str();
        let from = match (after, self.spelling) {
            (Some(after), Spelling::Plain) => format!("({after}").into_bytes(),
            // Behind all entries of this key, wherever its entity ends.
            (Some(after), Spelling::HashTags) => [b"(", after.as_bytes(), b"\0\xFF"].concat(),
            (None, _) => format!("[{prefix}").into_bytes(),
        };
        let to = behind(prefix);
        let most = share(query.limit());
        let answers = self.ask_shards(segment, |shard, pipeline: &mut Pipeline| {
            pipeline.cmd("ZRANGE").arg(shard).arg(&from).arg(&to).arg("BYLEX").arg("LIMIT").arg(0).arg(most);
            pipeline.cmd("ZRANGE").arg(limbo(shard)).arg(0).arg(-1);
            pipeline.cmd("ZSCORE").arg(shard).arg(COMPLETE);
        });
        let mut next = Next { keys: Vec::new(), complete: true, horizon: None };
        for answer in answers.await? {
            let Ok([Value::Array(members), Value::Array(waiting), marker]) = <[Value; 3]>::try_from(answer)
            else {
                return Err(unexpected_answer("an index is a sorted set"));
            };
            next.complete &= marker != Value::Nil;
            let is_full = members.len() == most;
            let mut keys = members.iter().filter_map(|member| self.found(member));
            if is_full {
                let before = next.keys.len();
                next.keys.extend(keys.by_ref());
                let last = next.keys.get(before..).and_then(<[Found]>::last);
                if let Some(last) =
                    last.filter(|last| next.horizon.as_ref().is_none_or(|horizon| *last < horizon))
                {
                    next.horizon = Some(last.clone());
                }
            }
            next.keys.extend(keys);
            let is_next = |found: &Found| {
                found.text.starts_with(prefix) && after.is_none_or(|after| *found.text > *after)
            };
            next.keys.extend(waiting.iter().filter_map(|member| self.found(member)).filter(is_next));
        }
        Ok(next)
    }

    pub(super) fn found(&self, member: &Value) -> Option<Found> {
        let Value::BulkString(member) = member else { return None };
        found(self.spelling, member)
    }
}

/// The end of the texts that begin with this one. No byte of UTF-8 is the last byte, so the last one can be raised.
fn behind(prefix: &str) -> Vec<u8> {
    let mut end = [b"(", prefix.as_bytes()].concat();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// How many entries of each shard a page takes: its share, and half as many again, since they are not spread evenly.
fn share(limit: usize) -> usize {
    let share = limit / SHARDS as usize;
    (share + share / 2 + 8).min(MOST_OF_SHARD)
}
