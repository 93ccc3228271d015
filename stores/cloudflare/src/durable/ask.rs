//! From what the traits are given to calls, and from failures to errors.

use kv_store::key::Key;
use kv_store::record::{NewRecord, Revision, envelope};
use kv_store::store::{Condition, Expect, ListQuery, Write};
use kv_store::{Error, Location, Result};

use super::NAME;
use super::message::{Change, ChangeKind, Check, Expected, Failure, FailureKind, Range};

impl Failure {
    pub(super) fn into_error(self, action: &'static str, at: Box<Location>) -> Error {
        let why = match self.kind {
            FailureKind::Engine => None,
            FailureKind::Full => {
                Some("the object is full; an object holds 10 GB, so spread the keys over more objects")
            }
            FailureKind::Quota => {
                Some("the account has used up its plan's quota for today, which resets at 00:00 UTC")
            }
            FailureKind::Form => Some(
                "the object runs a release of this crate that does not know the request; deploy one release on both sides",
            ),
        };
        let error = Error::store(at, action, false, self);
        match why {
            Some(why) => error.because(why),
            None => error,
        }
    }
}

impl Change {
    pub(super) fn of(write: Write) -> Result<Self> {
        let (key, kind) = match write {
            Write::Put(key, record) => {
                let expiry = record.expiry;
                let record = encode(&key, &record)?;
                (key, ChangeKind::Put(record, expiry))
            }
            Write::Update(key, record) => {
                let expiry = record.expiry;
                let record = encode(&key, &record)?;
                (key, ChangeKind::Update(record, expiry))
            }
            Write::Touch(key, expiry) => (key, ChangeKind::Touch(expiry)),
            Write::Delete(key) => (key, ChangeKind::Delete),
            Write::AddEntry(key) | Write::RemoveEntry(key) => {
                return Err(Error::Unsupported { at: Location::of(NAME, &key), capability: "indexes" });
            }
        };
        Ok(Self { key: key.into_string(), kind })
    }

    pub(super) fn all(writes: impl IntoIterator<Item = Write>) -> Result<Vec<Self>> {
        writes.into_iter().map(Self::of).collect()
    }
}

/// Envelope and value, with a revision that no record has had, or the value alone. The expiry is
/// stored beside them.
fn encode(key: &Key, record: &NewRecord) -> Result<Vec<u8>> {
    let token = Revision::random().token().unwrap_or_default();
    let mut bytes = Vec::new();
    envelope::begin(record, None, token, &mut bytes, || Location::of(NAME, key))?;
    bytes.extend_from_slice(&record.value);
    Ok(bytes)
}

impl Check {
    pub(super) fn of(condition: Condition) -> Self {
        let expect = match condition.expect {
            Expect::Absent => Expected::Absent,
            Expect::Present => Expected::Present,
            Expect::Revision(revision) => match (revision.token(), revision.plain()) {
                (Some(token), _) => Expected::Token(token),
                (None, plain) => Expected::Plain(plain.map(|bytes| bytes.to_vec()).unwrap_or_default()),
            },
        };
        Self { key: condition.key.into_string(), expect }
    }

    pub(super) fn all(conditions: Vec<Condition>) -> Vec<Self> {
        conditions.into_iter().map(Self::of).collect()
    }
}

impl Range {
    pub(super) fn of(query: &ListQuery) -> Result<Self> {
        let after = query.position(NAME)?;
        Ok(Self {
            prefix: query.prefix().as_str().to_owned(),
            suffix: query.suffix().unwrap_or_default().to_owned(),
            after: after.map(str::to_owned),
            limit: u32::try_from(query.limit()).unwrap_or(u32::MAX),
            max_bytes: u32::try_from(query.max_bytes()).unwrap_or(u32::MAX),
            content: query.content(),
        })
    }
}
