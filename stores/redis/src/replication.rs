//! Writes that are acknowledged once replicas have them.
//!
//! A second round trip asks for it: `WAIT` behind a command that is replicated. The server then
//! waits for its replicas to come as far as that command, which was after the write. A read would
//! not do: since Redis 7.2 it moves nothing, and `WAIT` on a connection that has written nothing
//! waits for nothing.

use kv_store::key::Key;
use kv_store::{Error, Location, Result, SharedError};
use redis::{Pipeline, Value};

use super::NAME;
use super::connection::side_by_side;
use super::inner::Inner;
use super::replicas::Replicas;
use super::server::Deadline;

/// Why the fate of an acknowledged write is unknown all the same.
#[derive(Debug, thiserror::Error)]
#[error(
    "the server has written it, and {confirmed} of {wanted} replicas have confirmed it in time: a failover may lose it"
)]
struct NotReplicated {
    confirmed: usize,
    wanted: usize,
}

impl Inner {
    /// When a write gives up that begins now; nothing if it does not wait for replicas.
    pub(super) fn replicated_by(&self) -> Option<Deadline> {
        self.replicas.map(|_| self.connection.deadline())
    }

    /// Returns when the replicas have what was just written under these keys, if that was asked
    /// for. Any doubt is [`Error::OutcomeUnknown`].
    pub(super) async fn replicated(&self, keys: &[Key], by: Option<Deadline>) -> Result<()> {
        let (Some(replicas), Some(by)) = (self.replicas, by) else { return Ok(()) };
        let spelled: Vec<_> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        let slots = self.by_slot(&spelled);
        // What was written last on a slot's node comes after all that was written before it there.
        let firsts = slots.iter().filter_map(|places| places.first().copied());
        let waiting = firsts.filter_map(|place| Some((keys.get(place)?, spelled.get(place)?)));
        let waiting = waiting.map(|(key, spelled)| async move {
            let confirmed = self.confirmed(spelled, replicas, by).await;
            if confirmed >= replicas.wanted {
                return Ok(());
            }
            let source = SharedError::new(NotReplicated { confirmed, wanted: replicas.wanted });
            Err(Error::OutcomeUnknown { at: Location::of(NAME, key), source })
        });
        side_by_side(waiting).await.into_iter().collect()
    }

    /// How many replicas have what the key's node had written when it was asked; none if it does
    /// not answer.
    async fn confirmed(&self, key: &str, replicas: Replicas, by: Deadline) -> usize {
        let (mut mark, mut wait) = (redis::cmd("SET"), redis::cmd("WAIT"));
        // It is gone at once, and no list shows it.
        mark.arg(self.spelling.mark_beside(key)).arg("").arg("PX").arg(1);
        wait.arg(replicas.wanted).arg(u64::try_from(replicas.within.as_millis()).unwrap_or(u64::MAX).max(1));
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(mark).add_command(wait);
        match self.connection.pipeline_by(key, &pipeline, by).await.as_deref() {
            // The node that has the key, and not one that it has moved away from.
            Ok([Value::Okay, Value::Int(confirmed)]) => usize::try_from(*confirmed).unwrap_or_default(),
            _ => 0,
        }
    }
}
