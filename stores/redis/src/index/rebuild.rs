//! Rebuilding: one look at every key of the server adds what the index lacks, and makes its shards
//! complete.

use std::sync::{Arc, PoisonError};

use redis::{ErrorKind, Pipeline, RedisError, Value};
use tokio::sync::watch;

use super::entries::of_index;
use super::layout::{COMPLETE, REBUILDING, SHARDS, segment_of, shard};
use super::state::Outcome;
use crate::error::{Fault, INDEX_LOST, RUNTIME_ENDED};
use crate::inner::Inner;
use crate::key_format::FoundKey;
use crate::list::Walk;

/// How often a rebuild starts again because the server lost a shard meanwhile.
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
    /// Has the shards of a segment rebuilt, if they are incomplete.
    pub(super) async fn completed(self: &Arc<Self>, segment: &str) -> Result<(), Fault> {
        let Some(mut rebuild) = self.rebuild_task(segment) else { return Ok(()) };
        match rebuild.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            Err(_) => Err(Fault::unsent(RedisError::from((ErrorKind::InvalidClientConfig, RUNTIME_ENDED)))),
        }
    }

    /// The task that rebuilds a segment, which begins here if there is none.
    fn rebuild_task(self: &Arc<Self>, segment: &str) -> Option<watch::Receiver<Option<Outcome>>> {
        let index = self.index.as_ref()?;
        let mut rebuilds = index.rebuilds.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that the task is gone and has said nothing.
        if let Some(rebuild) = rebuilds.get(segment).filter(|rebuild| rebuild.has_changed().is_ok()) {
            return Some(rebuild.clone());
        }
        let (sender, rebuild) = watch::channel(None);
        let (inner, own) = (Arc::clone(self), segment.to_owned());
        self.connection.runtime.spawn(async move {
            let outcome = inner.rebuild_if_incomplete(&own).await;
            if let Some(index) = &inner.index {
                index.rebuilds.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&own);
            }
            sender.send_replace(Some(outcome));
        });
        rebuilds.insert(segment.to_owned(), rebuild.clone());
        Some(rebuild)
    }

    async fn rebuild_if_incomplete(&self, segment: &str) -> Outcome {
        if !self.is_complete(segment).await.map_err(of_index)? {
            self.rebuild(segment).await?;
        }
        Ok(())
    }

    /// Adds every key of a segment to its shards, makes them complete, and returns how many keys
    /// there are. Several rebuilds may run at once: each finishes only what it began.
    pub(crate) async fn rebuild(&self, segment: &str) -> Result<usize, Fault> {
        self.rebuild_all(segment).await.map_err(of_index)
    }

    async fn rebuild_all(&self, segment: &str) -> Result<usize, Fault> {
        for _ in 0..ATTEMPTS {
            let token = format!("{REBUILDING}{:016x}", kv_store::__private::random::token());
            self.ask_shards(segment, |shard, pipeline: &mut Pipeline| {
                pipeline.cmd("ZADD").arg(shard).arg(0).arg(&token);
            })
            .await?;
            let added = self.add_all(segment).await?;
            if self.finish(segment, &token).await? {
                return Ok(added);
            }
        }
        Err(Fault::unsent(RedisError::from((ErrorKind::Client, INDEX_LOST))))
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
        let mut walk = Walk::begin(&self.connection, self.spelling.pattern_of_segment(segment)).await?;
        let mut added = 0;
        while let Some(keys) = walk.next().await? {
            let found: Vec<FoundKey> = keys
                .iter()
                .filter_map(|key| self.spelling.read(key))
                .filter(|found| segment_of(&found.text) == Some(segment))
                .collect();
            added += found.len();
            let entries = self.entries_of(found.into_iter());
            self.add(entries, self.connection.deadline()).await?;
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
