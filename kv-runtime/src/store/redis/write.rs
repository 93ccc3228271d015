//! Writes that look at nothing, and how one is settled whose answer did not come.

use std::borrow::Cow;

use redis::{Pipeline, RedisError, Value};

use super::error::{failed, may_have_happened, unknown};
use super::index::Failure;
use super::read::{beginning, many};
use super::wire::{Lifetime, Outgoing};
use super::{Inner, NAME};
use crate::error::{Error, Location, Result};
use crate::key::Key;
use crate::record::NewRecord;
use crate::record::envelope::{MAGIC, REVISION_AT};

/// How often a record is read to settle what has become of a write. The connection is made anew in between.
const LOOKS: u32 = 3;

impl Inner {
    pub(super) async fn put(&self, key: &Key, record: NewRecord) -> Result<()> {
        self.put_outgoing(key, &Outgoing::new(key, record)?).await
    }

    async fn put_outgoing(&self, key: &Key, record: &Outgoing) -> Result<()> {
        let spelled = self.spelling.spell(key);
        // A record that is over already leaves nothing to be listed.
        let listed = (record.lifetime() != Lifetime::Over).then_some(key);
        match self.write(listed, &spelled, record.put(&spelled)).await {
            Ok(_) => Ok(()),
            Err(failure) => self.settle(&[(key, record)], failure, || Location::of(NAME, key)).await,
        }
    }

    /// All records in one transaction, of one server.
    pub(super) async fn put_all(&self, records: Vec<(Key, NewRecord)>) -> Result<()> {
        let records = outgoing(records)?;
        let mut pipeline = Pipeline::with_capacity(records.len());
        for (_, addition) in self.additions(records.iter().map(|(key, _)| key)) {
            pipeline.add_command(addition);
        }
        self.put_together(pipeline, &records).await
    }

    /// Records whose keys lie on one slot in one transaction, behind what is in the pipeline already.
    pub(super) async fn put_together(
        &self,
        mut pipeline: Pipeline,
        records: &[(Key, Outgoing)],
    ) -> Result<()> {
        let Some((first, _)) = records.first() else { return Ok(()) };
        let at = || Location::store(NAME);
        pipeline.atomic();
        for (key, record) in records {
            pipeline.add_command(record.put(&self.spelling.spell(key)));
        }
        match self.connection.pipeline(&self.spelling.spell(first), pipeline).await {
            Ok(answers) => {
                let done: Result<(), RedisError> =
                    answers.into_iter().try_for_each(|answer| answer.extract_error().map(drop));
                // Of a transaction that is under way a server refuses nothing but a sorted set that is none: the index.
                done.map_err(|error| unknown(at(), error))
            }
            Err(error) => {
                let written: Vec<_> = records.iter().map(|(key, record)| (key, record)).collect();
                self.settle(&written, Failure::Sent(error), at).await
            }
        }
    }

    /// All records whose keys lie on one slot, with one command.
    pub(super) async fn delete_all(&self, keys: &[Key]) -> Result<()> {
        let spelled: Vec<Cow<'_, str>> = keys.iter().map(|key| self.spelling.spell(key)).collect();
        let Some(first) = spelled.first() else { return Ok(()) };
        let at = || match keys {
            [key] => Location::of(NAME, key),
            _ => Location::store(NAME),
        };
        match self.connection.query(first, many("UNLINK", &spelled)).await {
            Ok(_) => Ok(()),
            Err(error) => self.settle(&[], Failure::Sent(error), at).await,
        }
    }

    /// What has become of a write of these records that ended with an error. They were written together, so one of them that is there
    /// tells of all. One that is not there tells nothing: somebody may have written since, or the server may yet come to it.
    pub(super) async fn settle(
        &self,
        written: &[(&Key, &Outgoing)],
        failure: Failure,
        at: impl Fn() -> Box<Location>,
    ) -> Result<()> {
        let error = match failure {
            Failure::Sent(error) if may_have_happened(&error) => error,
            Failure::Sent(error) | Failure::Unsent(error) => return Err(failed(at(), "write", error)),
            Failure::Unindexed(error) => return Err(unknown(at(), error)),
        };
        for (key, record) in written {
            if self.is_there(key, record.token).await == Some(true) {
                return Ok(());
            }
        }
        Err(unknown(at(), error))
    }

    /// Whether the record is the one that got this token, if the server can be asked.
    async fn is_there(&self, key: &Key, token: u64) -> Option<bool> {
        let spelled = self.spelling.spell(key);
        for _ in 0..LOOKS {
            match self.connection.query(&spelled, beginning(&spelled, REVISION_AT + 8)).await {
                Ok(Value::BulkString(head)) => {
                    let revision = head.get(REVISION_AT..);
                    return Some(head.starts_with(&MAGIC) && revision == Some(&token.to_le_bytes()));
                }
                Err(error) if may_have_happened(&error) => {}
                _ => break,
            }
        }
        None
    }
}

/// Records with their envelopes; one that has no room for its metadata fails the batch before it is sent.
pub(super) fn outgoing(records: Vec<(Key, NewRecord)>) -> Result<Vec<(Key, Outgoing)>> {
    let outgoing = |(key, record): (Key, NewRecord)| {
        let record = Outgoing::new(&key, record)?;
        Ok::<_, Error>((key, record))
    };
    records.into_iter().map(outgoing).collect()
}
