//! Writes that look at nothing, and how one is settled whose answer did not come.

use std::borrow::Cow;

use redis::{Pipeline, RedisError, Value};

use super::error::{Fault, failed, unknown};
use super::index::Failure;
use super::read::{beginning, many};
use super::server::Deadline;
use super::spelling::lease_of;
use super::wire::{Lifetime, Outgoing};
use super::{Inner, NAME};
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::NewRecord;
use crate::record::envelope::{MAGIC, REVISION_AT};
use crate::store::Write;

/// How often records are read to settle a write whose answer was lost. The store connects again in
/// between.
const LOOKS: u32 = 3;

impl Inner {
    pub(super) async fn put(&self, key: &Key, record: NewRecord) -> Result<()> {
        if Lifetime::of(record.expiry).is_short(self.clock.now()) {
            // A script, since it voids a lease in the same step.
            return self.commit(Vec::new(), vec![Write::Put(key.clone(), record)]).await.map(drop);
        }
        self.put_outgoing(key, &Outgoing::new(key, record)?).await
    }

    async fn put_outgoing(&self, key: &Key, record: &Outgoing) -> Result<()> {
        let spelled = self.spelling.spell(key);
        // A record that is over already leaves nothing to be listed.
        let listed = (record.lifetime() != Lifetime::Over).then_some(key);
        let by = self.connection.deadline();
        match self.write(listed, &spelled, record.put(&spelled), by).await {
            Ok(_) => Ok(()),
            Err(failure) => self.settle(&[(key, record)], failure, by, || Location::of(NAME, key)).await,
        }
    }

    /// All records in one transaction, of one server.
    pub(super) async fn put_all(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let records = outgoing(records)?;
        let mut pipeline = Pipeline::with_capacity(records.len());
        for (_, addition) in self.additions(records.iter().map(|(key, _)| key)) {
            pipeline.add_command(addition);
        }
        self.put_together(pipeline, &records, self.connection.deadline()).await
    }

    /// Records whose keys lie on one slot in one transaction, behind what is in the pipeline already.
    pub(super) async fn put_together(
        &self,
        mut pipeline: Pipeline,
        records: &[(Key, Outgoing)],
        by: Deadline,
    ) -> Result<()> {
        let Some((first, _)) = records.first() else { return Ok(()) };
        let at = || Location::store(NAME);
        pipeline.atomic();
        let (now, mut leases) = (self.clock.now(), Vec::new());
        for (key, record) in records {
            let spelled = self.spelling.spell(key);
            pipeline.add_command(record.put(&spelled));
            if record.lifetime().is_short(now) {
                leases.push(lease_of(&spelled));
            }
        }
        if !leases.is_empty() {
            pipeline.add_command(many("UNLINK", &leases));
        }
        match self.connection.pipeline_by(&self.spelling.spell(first), &pipeline, by).await {
            Ok(answers) => {
                let done: Result<(), RedisError> =
                    answers.into_iter().try_for_each(|answer| answer.extract_error().map(drop));
                // Of a transaction that is under way a server refuses nothing but a sorted set that is none: the index.
                done.map_err(|error| unknown(at(), Fault::sent(error)))
            }
            Err(fault) => {
                let written: Vec<_> = records.iter().map(|(key, record)| (key, record)).collect();
                self.settle(&written, Failure::Failed(fault), by, at).await
            }
        }
    }

    /// All records whose keys lie on one slot, and their leases, with one command.
    pub(super) async fn delete_all(&self, keys: &[Key], by: Deadline) -> Result<()> {
        let spelled: Vec<Cow<'_, str>> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        let at = || match keys {
            [key] => Location::of(NAME, key),
            _ => Location::store(NAME),
        };
        match self.unlink(&spelled, by).await {
            Ok(()) => Ok(()),
            Err(fault) => self.settle(&[], Failure::Failed(fault), by, at).await,
        }
    }

    /// Settles a write of these records that ended with an error, if that is possible before the
    /// deadline. They were written together, so one of them that is there proves that all were
    /// written. One that is not there proves nothing: another writer may have come since, or the
    /// server may yet run the command.
    pub(super) async fn settle(
        &self,
        written: &[(&Key, &Outgoing)],
        failure: Failure,
        by: Deadline,
        at: impl Fn() -> Box<Location>,
    ) -> Result<()> {
        let fault = match failure {
            Failure::Failed(fault) if fault.may_have_happened() => fault,
            Failure::Failed(fault) => return Err(failed(at(), "write", fault)),
            Failure::Unindexed(fault) => return Err(unknown(at(), fault)),
        };
        if self.is_any_there(written, by).await { Ok(()) } else { Err(unknown(at(), fault)) }
    }

    /// Whether one of the records has the token that it got, by one look at all of them. A look
    /// whose connection is lost is repeated, and one that has no answer in time is the last.
    async fn is_any_there(&self, written: &[(&Key, &Outgoing)], by: Deadline) -> bool {
        let Some((first, _)) = written.first() else { return false };
        let first = self.spelling.spell(first);
        let mut pipeline = Pipeline::with_capacity(written.len());
        for (key, _) in written {
            pipeline.add_command(beginning(&self.spelling.spell(key), REVISION_AT + 8));
        }
        for _ in 0..LOOKS {
            if by.is_over() {
                return false;
            }
            match self.connection.pipeline_by(&first, &pipeline, by).await {
                Ok(heads) => {
                    return heads
                        .iter()
                        .zip(written)
                        .any(|(head, (_, record))| has_token(head, record.token));
                }
                Err(fault) if fault.is_of_the_way() && !fault.error.is_timeout() => {}
                Err(_) => return false,
            }
        }
        false
    }
}

/// Whether the beginning of a record is that of the write which drew this token.
fn has_token(head: &Value, token: u64) -> bool {
    let Value::BulkString(head) = head else { return false };
    head.starts_with(&MAGIC) && head.get(REVISION_AT..) == Some(&token.to_le_bytes())
}

/// Records with their envelopes; one that has no room for its metadata fails the batch before it is sent.
pub(super) fn outgoing(records: Vec<(Key, NewRecord)>) -> Result<Vec<(Key, Outgoing)>> {
    let outgoing = |(key, record): (Key, NewRecord)| {
        let record = Outgoing::new(&key, record)?;
        Ok::<_, Error>((key, record))
    };
    records.into_iter().map(outgoing).collect()
}
