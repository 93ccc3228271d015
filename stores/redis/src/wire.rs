//! Records to arguments of commands, and answers to records.

use bytes::{BufMut, Bytes};
use kv_store::key::Key;
use kv_store::record::{Expiry, Metadata, NewRecord, Record, envelope};
use kv_store::{Location, Result, Timestamp};
use redis::{Cmd, RedisWrite, ToRedisArgs, Value};

use super::NAME;
use super::error::unexpected_answer;
use super::error::{Fault, failed, unexpected};

/// A record that is being written, and the token that it gets.
pub(super) struct Outgoing {
    /// Empty if the record is plain.
    envelope: Vec<u8>,
    record: NewRecord,
    token: u64,
}

impl Outgoing {
    pub(super) fn new(key: &Key, record: NewRecord) -> Result<Self> {
        let token = kv_store::__private::random::token();
        let mut bytes = Vec::with_capacity(if record.is_plain { 0 } else { HEAD_LEN });
        // The server expires it: the envelope says nothing of that.
        envelope::begin(&record, None, token, &mut bytes, || Location::of(NAME, key))?;
        Ok(Self { envelope: bytes, record, token })
    }

    /// Returns the token by which the record is known as this write's. A plain record has none: its
    /// value may be another program's.
    pub(super) fn token(&self) -> Option<u64> {
        (!self.record.is_plain).then_some(self.token)
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        Lifetime::of(self.record.expiry)
    }

    fn len(&self) -> usize {
        self.envelope.len() + self.record.value.len()
    }

    /// Makes the command that writes the record and replaces what the key holds.
    pub(super) fn put(&self, key: &str) -> Cmd {
        let mut command = Cmd::with_capacity(5, key.len() + self.len() + 32);
        if self.lifetime() == Lifetime::Over {
            command.arg("UNLINK").arg(key);
        } else {
            command.arg("SET").arg(key);
            self.value_and_expiry(&mut command);
        }
        command
    }

    /// What follows the key in a `SET`.
    pub(super) fn value_and_expiry(&self, command: &mut Cmd) {
        command.arg(self);
        match self.lifetime() {
            Lifetime::Endless | Lifetime::Over => {}
            Lifetime::Millis(ttl) => {
                command.arg("PX").arg(ttl);
            }
            Lifetime::Until(moment) => {
                command.arg("PXAT").arg(moment);
            }
        }
    }
}

/// The envelope and the value behind it, as one argument that is put together where it is sent
/// from.
impl ToRedisArgs for Outgoing {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        let mut argument = out.bufmut_for_next_arg(self.len());
        argument.put_slice(&self.envelope);
        argument.put_slice(&self.record.value);
    }
}

/// The expiry of a record, as the server's commands express it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// Until it is deleted.
    Endless,
    /// So many milliseconds from now, by the server's clock; at least one.
    Millis(u64),
    /// As long as the server's clock shows at most this moment.
    Until(u64),
    /// It is over already.
    Over,
}

impl Lifetime {
    pub(super) fn of(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Never => Self::Endless,
            Expiry::After(ttl) | Expiry::AtLeast(ttl) => {
                match Timestamp::from_millis(0).saturating_add(ttl).as_millis() {
                    0 => Self::Over,
                    millis => Self::Millis(millis),
                }
            }
            // To the server the moment itself still belongs to the record's life, to us no more. It
            // takes no moment below 1.
            Expiry::At(at) => Self::Until(at.as_millis().saturating_sub(1).max(1)),
        }
    }
}

/// The record that the server gave, if there is one; of its expiry the server has not been asked.
pub(super) fn record(key: &Key, answer: Value) -> Result<Option<Record>> {
    let at = || Location::of(NAME, key);
    let Some(bytes) = bytes(answer, &at)? else { return Ok(None) };
    let record = envelope::open(Bytes::from(bytes)).map_err(|damage| damage.into_error(at()))?;
    Ok(Some(record.with_unknown_expiry()))
}

/// A string, or nothing.
pub(super) fn bytes(answer: Value, at: &dyn Fn() -> Box<Location>) -> Result<Option<Vec<u8>>> {
    match answer {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        Value::ServerError(error) => Err(failed(at(), "read", Fault::sent(error.into()))),
        _ => Err(unexpected(at(), "read")),
    }
}

/// When a record expires, from what `PTTL` answered at `now`; nothing if it does not.
pub(super) fn expires_at(pttl: &Value, now: Timestamp) -> Option<Timestamp> {
    match pttl {
        // The server counts whole milliseconds, and the record is there in the last of them.
        Value::Int(millis) if *millis >= 0 => {
            let millis = u64::try_from(*millis).unwrap_or_default().saturating_add(1);
            Some(Timestamp::from_millis(now.as_millis().saturating_add(millis)))
        }
        _ => None,
    }
}

/// Whether `EXISTS` or the like counted something.
pub(super) fn count(answer: Value) -> Result<u64, Fault> {
    match answer {
        Value::Int(count) => Ok(u64::try_from(count).unwrap_or_default()),
        Value::ServerError(error) => Err(Fault::sent(error.into())),
        _ => Err(unexpected_answer("a number was expected")),
    }
}

/// How many bytes of a record hold every envelope without foreign members.
pub(super) const HEAD_LEN: usize = 64;

/// The metadata in a beginning of a record, or how many bytes it takes to tell.
pub(super) fn metadata(head: &[u8]) -> Result<Metadata, HeadError> {
    match envelope::read(head) {
        Ok(envelope) => Ok(envelope.metadata),
        Err(envelope::EnvelopeError::Truncated) if head.len() == HEAD_LEN => Err(HeadError::Longer),
        Err(damage) => Err(HeadError::Damaged(damage)),
    }
}

/// Why a beginning does not tell the metadata.
pub(super) enum HeadError {
    /// It has foreign members, which are read with the whole envelope.
    Longer,
    Damaged(envelope::EnvelopeError),
}
