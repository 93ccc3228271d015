//! Rebuilding: one look at every key of the server adds what the index lacks, and makes its shards complete.

use redis::{ErrorKind, Pipeline, RedisError, Value};

use super::{COMPLETE, REBUILDING, SHARDS, shard};
use crate::store::redis::Inner;
use crate::store::redis::error::Fault;
use crate::store::redis::list::Walk;
use crate::store::redis::spelling::Found;

/// How often a rebuild begins anew because a shard was lost under it.
const ATTEMPTS: u32 = 3;

/// Makes a shard complete, if it is still the one that the rebuild began with.
const FINISH: &str = "
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('ZADD', KEYS[1], 0, ARGV[2])
return 1
";

impl Inner {
    /// Adds every key of a segment to its shards, and makes them complete; tells how many keys there are, or nothing if the shards were
    /// complete already and that was enough.
    pub(in crate::store::redis) async fn rebuild(
        &self,
        segment: &str,
        only_if_incomplete: bool,
    ) -> Result<Option<usize>, Fault> {
        let Some(index) = &self.index else { return Ok(None) };
        let _alone = index.rebuilding.lock().await;
        if only_if_incomplete && self.is_complete(segment).await? {
            return Ok(None);
        }
        for _ in 0..ATTEMPTS {
            let token = format!("{REBUILDING}{:016x}", crate::random::token());
            self.ask_shards(segment, |shard, pipeline: &mut Pipeline| {
                pipeline.cmd("ZADD").arg(shard).arg(0).arg(&token);
            })
            .await?;
            let added = self.add_all(segment).await?;
            if self.finish(segment, &token).await? {
                return Ok(Some(added));
            }
        }
        Err(Fault::unsent(RedisError::from((
            ErrorKind::Client,
            "the list index was lost while it was rebuilt; does the server evict it?",
        ))))
    }

    async fn is_complete(&self, segment: &str) -> Result<bool, Fault> {
        let markers = self
            .ask_shards(segment, |shard, pipeline: &mut Pipeline| {
                pipeline.cmd("ZSCORE").arg(shard).arg(COMPLETE);
            })
            .await?;
        Ok(markers.iter().flatten().all(|marker| *marker != Value::Nil))
    }

    /// Adds what one look at every key finds. What is written meanwhile its writers add.
    async fn add_all(&self, segment: &str) -> Result<usize, Fault> {
        let prefix = format!("{segment}:");
        let mut walk = Walk::begin(&self.connection, self.spelling.pattern(&prefix, None)).await?;
        let mut added = 0;
        while let Some(keys) = walk.next().await? {
            let found: Vec<Found> = keys
                .iter()
                .filter_map(|key| self.spelling.read(key))
                .filter(|found| found.text.starts_with(&prefix))
                .collect();
            added += found.len();
            self.add(
                self.additions_of(found.iter().map(|found| (&*found.text, found.entity_len))),
                self.connection.deadline(),
            )
            .await?;
        }
        Ok(added)
    }

    async fn finish(&self, segment: &str, token: &str) -> Result<bool, Fault> {
        let mut finished = true;
        for number in 0..SHARDS {
            let shard = shard(segment, number);
            let mut command = redis::cmd("EVAL");
            command.arg(FINISH).arg(1).arg(&shard).arg(token).arg(COMPLETE);
            finished &= self.connection.query(&shard, command).await? == Value::Int(1);
        }
        Ok(finished)
    }
}
