//! A change as a difference: the group before the change, and the stored text with the change
//! merged into it.

use bytes::Bytes;
use kv_store::key::Key;
use kv_store::record::{Metadata, Record};
use kv_store::store::Store;
use kv_store::{Error, Location, Result, Timestamp};

use super::Collection;
use super::carry::{Carried, carry, is_by_steps};
use super::decode::{Context, Records, decode};
use super::encode::{Encoded, encode_at};
use super::group::Wanted;
use super::proof::names;
use crate::codec::{Codec, CodecError, Kept, Merged, Tagged, merge, merge_only, sorted};
use crate::entity::{GroupSchema, KvEntity};
use crate::migrate::Hook;

/// How many unknown members are tried one by one if they cannot all stay.
const TRIED: usize = 64;

/// An entity before it is changed.
#[derive(Default)]
pub(super) struct Before {
    pub(super) groups: Vec<GroupBefore>,
    /// The value of its `expires_at` field.
    pub(super) expires_at: Option<Timestamp>,
}

/// A group before it is changed.
pub(super) struct GroupBefore {
    /// Its value at the version at which it will be written. A record of a newer version is changed
    /// as the current code sees it.
    pub(super) encoded: Encoded,
    pub(super) stored: Stored,
}

impl GroupBefore {
    /// Whether the stored text has parts that the struct does not know, so that a change must be
    /// merged.
    pub(super) fn has_others(&self) -> bool {
        matches!(self.stored, Stored::Text(_))
    }
}

/// The stored value of a group.
pub(super) enum Stored {
    /// Exactly what would be written, or no value, or a value without names: a change replaces it.
    Known,
    /// JSON with unknown members, or with another spelling, at the version at which it will be
    /// written.
    Text(Carried),
}

/// The records of the entity that a group belongs to.
#[derive(Clone, Copy)]
pub(crate) struct GroupOf<'a> {
    /// The anchor's key.
    pub(crate) anchor: &'a Key,
    /// The records of all groups.
    pub(crate) records: &'a [Option<Record>],
    pub(crate) group: usize,
}

impl<E: KvEntity, S: Store> Collection<E, S> {
    /// Returns what to compare the entity with after the change.
    pub(super) fn values_before(
        &self,
        anchor: &Key,
        entity: &E,
        records: &[Option<Record>],
    ) -> Result<Before> {
        let groups = (0..E::SCHEMA.groups.len())
            .map(|group| self.value_before(entity, GroupOf { anchor, records, group }))
            .collect::<Result<_>>()?;
        Ok(Before { groups, expires_at: entity.expires_at() })
    }

    /// Returns a group before it is changed.
    pub(super) fn value_before(&self, entity: &E, target: GroupOf<'_>) -> Result<GroupBefore> {
        let schema = &E::SCHEMA.groups[target.group];
        let at = || self.at(&target.anchor.with_group(schema.name));
        let encode = |version, wanted| {
            encode_at(entity, target.group, version, wanted, &at as &dyn Fn() -> Box<Location>)
        };
        let Some(record) = target.record() else {
            let encoded = encode(schema.write_version, Wanted::COMPARISON)?;
            return Ok(GroupBefore { encoded, stored: Stored::Known });
        };
        let found = record.metadata.version;
        let version = found.max(schema.write_version).min(schema.version);
        let likely = Some(&record.value.0).filter(|_| found >= version);
        let encoded = encode(version, Wanted::TAGS.unless(likely))?;
        let is_known = likely == Some(&encoded.value);
        let stored = if is_known { Stored::Known } else { self.stored(entity, target, record, &encoded)? };
        Ok(GroupBefore { encoded, stored })
    }

    /// Returns the stored value of a group, at the version of its encoding.
    fn stored(&self, entity: &E, target: GroupOf<'_>, record: &Record, encoded: &Encoded) -> Result<Stored> {
        if record.metadata.codec != Codec::Json || encoded.codec != Codec::Json {
            return Ok(Stored::Known);
        }
        Ok(match self.text_at(entity, target, encoded.version)? {
            Some(carried) if carried.text.as_bytes() != &encoded.value[..] => Stored::Text(carried),
            _ => Stored::Known,
        })
    }

    /// Returns the record's text at a version, or `None` if it has no names.
    fn text_at(&self, entity: &E, target: GroupOf<'_>, version: u32) -> Result<Option<Carried>> {
        let Some(record) = target.record() else { return Ok(None) };
        if record.metadata.version < version {
            let locate = |group: &GroupSchema| self.at(&target.anchor.with_group(group.name));
            let context = Context { hook: &Hook(None), ..self.context(&locate) };
            let records = Records::All(target.records);
            let carried = carry::<E>(entity.id(), records, target.group, version, &context);
            return carried.map_err(|error| *error);
        }
        match std::str::from_utf8(&record.value) {
            Ok(text) => Ok(Some(Carried { text: text.to_owned(), is_converted: false })),
            Err(_) => {
                let source = CodecError::new("a member that the struct does not name is not UTF-8");
                Err(Error::Decode { at: self.at(target.anchor), codec: Codec::Json, source })
            }
        }
    }

    /// Returns the value and the metadata of a group that is only brought to the version that is
    /// written.
    pub(super) fn value_brought_up(
        &self,
        key: &Key,
        entity: &E,
        target: GroupOf<'_>,
        record: &Record,
    ) -> Result<(Bytes, Metadata)> {
        let schema = &E::SCHEMA.groups[target.group];
        let version = record.metadata.version.max(schema.write_version).min(schema.version);
        if is_by_steps::<E>(target.group, record) {
            // The entity was read by the same steps, so its own encoding is not asked for.
            if let Some(carried) = self.text_at(entity, target, version)? {
                let new = Encoded::new(carried.text.into(), schema, version);
                let metadata = self.metadata_after(record, new.metadata(), version);
                return Ok((new.value, metadata));
            }
        }
        let encoded = encode_at(entity, target.group, version, Wanted::VALUE, &|| self.at(key))?;
        let metadata = self.metadata_after(record, encoded.metadata(), encoded.version);
        let stored = self.stored(entity, target, record, &encoded)?;
        let before = GroupBefore { encoded: encoded.clone(), stored };
        let value = self.value_after(entity, target, &before, encoded, &metadata)?;
        Ok((value, metadata))
    }

    /// Returns the value to store for a group that has become `after`, with its unknown members.
    /// `metadata` is that of the new record.
    pub(super) fn value_after(
        &self,
        entity: &E,
        target: GroupOf<'_>,
        before: &GroupBefore,
        after: Encoded,
        metadata: &Metadata,
    ) -> Result<Bytes> {
        let Stored::Text(Carried { text, is_converted }) = &before.stored else { return Ok(after.value) };
        let key = target.anchor.with_group(E::SCHEMA.groups[target.group].name());
        let (Some(old), Some(new)) = (before.encoded.as_tagged(), after.as_tagged()) else {
            return Ok(after.value);
        };
        let reread = |value: &str| self.reread(entity, target, value, metadata, after.version);
        // An older version is read by steps, which may look for a member that is not the struct's.
        let is_todays = after.version == E::SCHEMA.groups[target.group].version();
        let names = if is_todays { names::<E>(target.group) } else { &[] };
        let proof = Proof { expected: new.text, reread: &reread, names };
        match difference(text, old, new, *is_converted, &proof) {
            Some(text) => Ok(text.into()),
            None => {
                let source =
                    CodecError::new("the changed entity would not be read back equal; nothing was written");
                Err(Error::Encode { at: self.at(&key), codec: Codec::Json, source })
            }
        }
    }

    /// Returns the encoding of the entity that is read from this value of one group.
    fn reread(
        &self,
        entity: &E,
        target: GroupOf<'_>,
        value: &str,
        metadata: &Metadata,
        version: u32,
    ) -> Option<Bytes> {
        let mut records = target.records.to_vec();
        let record = records.get_mut(target.group)?.as_mut()?;
        record.value.0 = Bytes::copy_from_slice(value.as_bytes());
        record.metadata = metadata.clone();
        let locate = |group: &GroupSchema| self.at(&target.anchor.with_group(group.name));
        let context = Context { hook: &Hook(None), ..self.context(&locate) };
        let entity = decode::<E>(entity.id(), &records, &context).ok()??;
        let at = || self.at(target.anchor);
        encode_at(&entity, target.group, version, Wanted::COMPARISON, &at).ok().map(|encoded| encoded.value)
    }
}

impl<'a> GroupOf<'a> {
    pub(super) fn record(self) -> Option<&'a Record> {
        self.records.get(self.group)?.as_ref()
    }
}

/// Checks that a text is read as the entity that is to be written.
struct Proof<'a, F> {
    /// The encoding of the entity.
    expected: &'a str,
    reread: &'a F,
    /// The members that the struct reads, aliases included. `None` if it may read any member.
    names: &'static [&'static str],
}

impl<F: Fn(&str) -> Option<Bytes>> Proof<'_, F> {
    /// Returns whether the struct is known to read none of the members that are kept.
    fn ignores(&self, merged: &Merged<'_>) -> bool {
        let is_ignored = |name: &str| !self.names.is_empty() && !self.names.contains(&name);
        merged.kept.iter().all(|kept| kept.name_in_value.as_deref().is_some_and(is_ignored))
    }

    fn holds(&self, text: &str) -> bool {
        let Some(found) = (self.reread)(text) else { return false };
        if found[..] == *self.expected.as_bytes() {
            return true;
        }
        // A hash map has another order each time, and some types write what they do not read.
        let Ok(found) = std::str::from_utf8(&found).map(sorted) else { return false };
        let again = || (self.reread)(self.expected).and_then(|again| String::from_utf8(again.to_vec()).ok());
        found == sorted(self.expected) || again().is_some_and(|again| found == sorted(&again))
    }
}

/// Returns the stored text with the difference merged into it, and with as many unknown members as
/// can stay. Returns `None` if no text is read as the entity.
fn difference<F: Fn(&str) -> Option<Bytes>>(
    stored: &str,
    before: Tagged<'_>,
    after: Tagged<'_>,
    is_converted: bool,
    proof: &Proof<'_, F>,
) -> Option<String> {
    let all = merge(stored, before, after);
    if (!is_converted && proof.ignores(&all)) || proof.holds(&all.text) {
        return Some(all.text);
    }
    // A member that the struct reads by another name, or that decides how others are read, must go.
    let only = |kept: &[usize], fills| merge_only(stored, before, after, kept, fills).text;
    let mut kept = Vec::new();
    let mut best = only(&kept, false);
    let fills = !proof.holds(&best);
    if fills {
        best = only(&kept, true);
        if !proof.holds(&best) {
            return proof.holds(after.text).then(|| after.text.to_owned());
        }
    }
    for Kept { index, .. } in all.kept.into_iter().take(TRIED) {
        kept.push(index);
        let text = only(&kept, fills);
        if proof.holds(&text) {
            best = text;
        } else {
            kept.pop();
        }
    }
    Some(best)
}
