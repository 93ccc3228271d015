//! Writes that look at nothing, and how one is settled whose answer did not come.

use std::borrow::Cow;

use kv_store::key::Key;
use kv_store::record::{
    NewRecord,
    envelope::{MAGIC, REVISION_AT},
};
use kv_store::store::Write;
use kv_store::{Error, Location, Result};
use redis::{Pipeline, RedisError, Value};

use super::NAME;
use super::error::{Fault, failed, unknown};
use super::inner::Inner;
use super::key_format::lease_of;
use super::read::{beginning, many};
use super::server::Deadline;
use super::wire::{Lifetime, Outgoing};

/// How often records are read to settle a write whose answer was lost. The store connects again in
/// between.
const LOOKS: u32 = 3;

impl Inner {
    pub(super) async fn put(&self, key: &Key, record: NewRecord) -> Result<()> {
        if Lifetime::of(record.expiry).is_short(self.info.clock().now()) {
            // A script, since it voids a lease in the same step.
            return self.commit(Vec::new(), vec![Write::Put(key.clone(), record)]).await.map(drop);
        }
        self.put_outgoing(key, &Outgoing::new(key, record)?).await
    }

    async fn put_outgoing(&self, key: &Key, record: &Outgoing) -> Result<()> {
        let by = self.connection.deadline();
        let sent = if self.may_be_hidden(key) {
            match Box::pin(self.replace(key, record, by)).await? {
                Ok(true) => return Ok(()),
                Ok(false) => self.send(key, record, by).await,
                Err(fault) => Err(fault),
            }
        } else {
            self.send(key, record, by).await
        };
        match sent {
            Ok(()) => Ok(()),
            Err(fault) => self.settle(&[(key, record)], fault, by, || Location::of(NAME, key)).await,
        }
    }

    /// Writes the record if one is there, and looks for one under the plain key at the same time.
    /// Returns whether it has written, and fails if it has not and there is a record under the plain
    /// key. With the list index it only looks.
    async fn replace(&self, key: &Key, record: &Outgoing, by: Deadline) -> Result<Result<bool, Fault>> {
        if self.index.is_some() {
            return self.none_is_beside([key].into_iter(), by).await.map(|()| Ok(false));
        }
        let spelled = self.spelling.spell(key);
        let mut command = record.put(&spelled);
        command.arg("XX");
        self.write_if_there(key, command, by).await
    }

    async fn send(&self, key: &Key, record: &Outgoing, by: Deadline) -> Result<(), Fault> {
        let written = [(key, record)];
        if self.writes_entries_by_script() {
            return self.put_with_entries(&written, by).await;
        }
        self.add_before(self.entries(&written), by).await?;
        let spelled = self.spelling.spell(key);
        self.connection.query_by(&spelled, &record.put(&spelled), by).await.map(drop)
    }

    /// All records in one step, on one server.
    pub(super) async fn put_all(&self, records: Vec<(Key, NewRecord)>, by: Deadline) -> Result<()> {
        let records = outgoing(records)?;
        if !self.writes_entries_by_script() {
            return self.put_together(&records, by).await;
        }
        let written: Vec<_> = records.iter().map(|(key, record)| (key, record)).collect();
        match self.put_with_entries(&written, by).await {
            Ok(()) => Ok(()),
            Err(fault) => self.settle(&written, fault, by, || Location::store(NAME)).await,
        }
    }

    /// Records whose keys lie on one slot, in one transaction.
    pub(super) async fn put_together(&self, records: &[(Key, Outgoing)], by: Deadline) -> Result<()> {
        let Some((first, _)) = records.first() else { return Ok(()) };
        let at = || Location::store(NAME);
        let mut pipeline = Pipeline::with_capacity(records.len());
        pipeline.atomic();
        let (now, mut leases) = (self.info.clock().now(), Vec::new());
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
                // No server is known to refuse a part of a transaction that holds `SET` and
                // `UNLINK` alone. One that does has written the rest.
                done.map_err(|error| unknown(at(), Fault::sent(error)))
            }
            Err(fault) => {
                let written: Vec<_> = records.iter().map(|(key, record)| (key, record)).collect();
                self.settle(&written, fault, by, at).await
            }
        }
    }

    /// Removes one record and its lease.
    pub(super) async fn delete(&self, key: &Key) -> Result<()> {
        let by = self.connection.deadline();
        match self.unlink(&[self.spelling.spell(key)], by).await {
            Ok(0) if self.may_be_hidden(key) => Box::pin(self.is_not_hidden(key, by)).await,
            Ok(_) => Ok(()),
            Err(fault) => self.settle(&[], fault, by, || Location::of(NAME, key)).await,
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
            Ok(_) => Ok(()),
            Err(fault) => self.settle(&[], fault, by, at).await,
        }
    }

    /// Settles a write of these records that ended with an error, if that is possible before the
    /// deadline. They were written together, so one of them that is there proves that all were
    /// written. One that is not there proves nothing: another writer may have come since, or the
    /// server may yet run the command.
    pub(super) async fn settle(
        &self,
        written: &[(&Key, &Outgoing)],
        fault: Fault,
        by: Deadline,
        at: impl Fn() -> Box<Location>,
    ) -> Result<()> {
        if !fault.may_have_happened() {
            return Err(failed(at(), "write", fault));
        }
        if self.is_any_there(written, by).await { Ok(()) } else { Err(unknown(at(), fault)) }
    }

    /// Whether one of the records has the token that it got, by one look at all of them. A look
    /// whose connection is lost is repeated, and one that has no answer in time is the last.
    async fn is_any_there(&self, written: &[(&Key, &Outgoing)], by: Deadline) -> bool {
        let tokens: Vec<(&Key, u64)> =
            written.iter().filter_map(|(key, record)| Some((*key, record.token()?))).collect();
        let Some((first, _)) = tokens.first() else { return false };
        let first = self.spelling.spell(first);
        let mut pipeline = Pipeline::with_capacity(tokens.len());
        for (key, _) in &tokens {
            pipeline.add_command(beginning(&self.spelling.spell(key), REVISION_AT + 8));
        }
        for _ in 0..LOOKS {
            if by.is_over() {
                return false;
            }
            match self.connection.pipeline_by(&first, &pipeline, by).await {
                Ok(heads) => {
                    return heads.iter().zip(&tokens).any(|(head, (_, token))| has_token(head, *token));
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

/// Records with their envelopes; one that has no room for its metadata fails the batch before it is
/// sent.
pub(super) fn outgoing(records: Vec<(Key, NewRecord)>) -> Result<Vec<(Key, Outgoing)>> {
    let outgoing = |(key, record): (Key, NewRecord)| {
        let record = Outgoing::new(&key, record)?;
        Ok::<_, Error>((key, record))
    };
    records.into_iter().map(outgoing).collect()
}
