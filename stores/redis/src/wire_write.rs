//! A write of a commit, as the scripts read it.

use kv_store::key::Key;
use kv_store::record::{Expiry, NewRecord};
use kv_store::store::Write;
use kv_store::{Error, Location, Result};
use redis::Cmd;

use super::NAME;
use super::wire::{Lifetime, Outgoing};

/// A write, with the record that goes to the server.
pub(super) enum WireWrite {
    Record(&'static str, Key, Outgoing),
    /// With the kind of touch.
    Touch(&'static str, Key, Lifetime),
    Delete(Key),
}

impl WireWrite {
    pub(super) fn new(write: Write) -> Result<Self> {
        Ok(match write {
            Write::Put(key, record) => Self::record("p", key, record)?,
            Write::Update(key, record) => Self::record("u", key, record)?,
            Write::Touch(key, expiry @ Expiry::AtLeast(_)) => Self::Touch("e", key, Lifetime::of(expiry)),
            Write::Touch(key, expiry) => Self::Touch("t", key, Lifetime::of(expiry)),
            Write::Delete(key) => Self::Delete(key),
            // They are no records, and go to the script apart.
            Write::AddEntry(key) | Write::RemoveEntry(key) => {
                return Err(Error::Unsupported { at: Location::of(NAME, &key), capability: "indexes" });
            }
        })
    }

    fn record(kind: &'static str, key: Key, record: NewRecord) -> Result<Self> {
        let record = Outgoing::new(&key, record)?;
        Ok(Self::Record(kind, key, record))
    }

    pub(super) const fn key(&self) -> &Key {
        match self {
            Self::Record(_, key, _) | Self::Touch(_, key, _) | Self::Delete(key) => key,
        }
    }

    pub(super) const fn words(&self) -> Words<'_> {
        match self {
            Self::Record(kind, _, record) => Words::Record(kind, record),
            Self::Touch(kind, _, lifetime) => Words::Touch(kind, *lifetime),
            Self::Delete(_) => Words::Delete,
        }
    }
}

/// The arguments of the script for one write, beside its key.
pub(super) enum Words<'a> {
    Record(&'static str, &'a Outgoing),
    Touch(&'static str, Lifetime),
    Delete,
}

impl Words<'_> {
    pub(super) fn write(&self, command: &mut Cmd) {
        match self {
            Self::Record(kind, record) => command.arg(spec(kind, record.lifetime())).arg(*record),
            Self::Touch(kind, lifetime) => command.arg(spec(kind, *lifetime)).arg(""),
            Self::Delete => command.arg("d").arg(""),
        };
    }
}

fn spec(kind: &str, lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Endless => kind.to_owned(),
        Lifetime::Millis(ttl) => format!("{kind}x{ttl}"),
        Lifetime::Until(moment) => format!("{kind}a{moment}"),
        Lifetime::Over => format!("{kind}o"),
    }
}
