//! Records to an entity: the version is looked at first, then the codec that the record names.

use serde::de::DeserializeOwned;

use super::groups;
use crate::codec;
use crate::entity::{GroupSchema, GroupSource, KvEntity};
use crate::error::{Error, Location, Result};
use crate::record::{Metadata, Record};

/// The entity that these records of its groups hold, if its anchor is there. `locate` tells where a group's record lies, and
/// is asked only for an error.
pub(crate) fn decode<E: KvEntity>(
    id: E::Id,
    records: &[Option<Record>],
    locate: &dyn Fn(&GroupSchema) -> Box<Location>,
) -> Result<Option<E>> {
    match records.first() {
        Some(Some(_)) => decode_present(id, records, locate).map(Some),
        _ => Ok(None),
    }
}

/// The entity that these records of its groups hold, the anchor's being there.
pub(crate) fn decode_present<E: KvEntity>(
    id: E::Id,
    records: &[Option<Record>],
    locate: &dyn Fn(&GroupSchema) -> Box<Location>,
) -> Result<E> {
    E::from_groups(id, &mut Groups { schema: groups::<E>(), records, locate })
}

struct Groups<'a> {
    schema: &'static [GroupSchema],
    records: &'a [Option<Record>],
    locate: &'a dyn Fn(&GroupSchema) -> Box<Location>,
}

impl Groups<'_> {
    /// The group's record if it is there and this program reads its version.
    fn record(&self, group: usize) -> Result<(&'static GroupSchema, Option<&Record>)> {
        let Some(schema) = self.schema.get(group) else {
            return Err(Error::Unsupported {
                at: Box::default(),
                capability: "reading a group without a schema",
            });
        };
        let record = self.records.get(group).and_then(Option::as_ref);
        if let Some(record) = record {
            check_version(schema, &record.metadata, &|| (self.locate)(schema))?;
        }
        Ok((schema, record))
    }

    fn value<T: DeserializeOwned>(&self, schema: &GroupSchema, record: &Record) -> Result<T> {
        let codec = record.metadata.codec;
        codec::decode(codec, &record.value).map_err(|source| Error::Decode {
            at: (self.locate)(schema),
            codec,
            source,
        })
    }
}

impl GroupSource for Groups<'_> {
    type Error = Error;

    fn required<T: DeserializeOwned>(&mut self, group: usize) -> Result<T> {
        match self.record(group)? {
            (schema, Some(record)) => self.value(schema, record),
            (schema, None) => Err(Error::Incomplete {
                at: (self.locate)(self.schema.first().unwrap_or(schema)),
                group: schema.name().unwrap_or_default(),
            }),
        }
    }

    fn optional<T: DeserializeOwned>(&mut self, group: usize, default: impl FnOnce() -> T) -> Result<T> {
        match self.record(group)? {
            (schema, Some(record)) => self.value(schema, record),
            (_, None) => Ok(default()),
        }
    }
}

/// A record is read if its version is the group's, or if it is newer and says that code of the group's version can read it.
fn check_version(
    schema: &GroupSchema,
    metadata: &Metadata,
    locate: &dyn Fn() -> Box<Location>,
) -> Result<()> {
    let (found, supported) = (metadata.version, schema.version());
    if found < supported {
        return Err(Error::TooOld { at: locate(), found, oldest: supported });
    }
    if metadata.oldest_reader() > supported {
        return Err(Error::TooNew { at: locate(), found, supported });
    }
    Ok(())
}
