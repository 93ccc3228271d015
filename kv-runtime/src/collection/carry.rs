//! Brings the stored text of an older record to a newer version, and keeps the members that no
//! struct names, through steps and predecessors.

use std::any::Any;

use kv_store::record::{Record, RecordRef};
use kv_store::{Error, Location};
use serde::de::DeserializeOwned;

use super::decode::{Context, Groups, Records, Result, decode_present, held_id};
use super::encode::{Encoded, encode_at};
use super::group::Wanted;
use crate::codec::{Codec, Members, merge};
use crate::entity::{FieldText, GroupSchema, GroupSource, KvEntity, ShapeVisitor};
use crate::migrate::{StepFrom, bring_down, guarded, read_stepped};

/// A record's text at another version than the record's.
pub(super) struct Carried {
    pub(super) text: String,
    /// Whether a predecessor was converted. Then it is not yet known whether the text is read as
    /// the entity.
    pub(super) is_converted: bool,
}

/// Returns the text of a group's record at version `to`, which is no older than the record. Returns
/// `None` if its codec has no names. `records` are those of all groups, from which the entity was
/// decoded.
pub(super) fn carry<E: KvEntity>(
    id: E::Id,
    records: Records<'_>,
    group: usize,
    to: u32,
    context: &Context<'_>,
) -> Result<Option<Carried>> {
    let (Some(record), Some(schema)) = (records.get(group), E::SCHEMA.groups.get(group)) else {
        return Ok(None);
    };
    if record.metadata.codec != Codec::Json {
        return Ok(None);
    }
    if record.metadata.version > newest_of_predecessor::<E>(group) {
        return by_steps(schema, record, to, (context, &id)).map(Some);
    }
    let held = held_id::<E>(&id);
    let held = held.as_ref().map(|id| id as &dyn Any);
    let groups = Groups { schema: E::SCHEMA.groups, records, context, id: held };
    let mut carrier = Carrier { groups, group, to, carried: None };
    E::from_groups(id, &mut carrier)?;
    Ok(carrier.carried)
}

fn by_steps(
    schema: &GroupSchema,
    record: RecordRef<'_>,
    to: u32,
    (context, id): (&Context<'_>, &dyn Any),
) -> Result<Carried> {
    let members =
        read_stepped(Members::read_again, schema.steps, record.value, (record.metadata.version, to), id)
            .map_err(|failed| failed.into_error((context.locate)(schema)))?;
    Ok(Carried { text: members.into_text(), is_converted: false })
}

/// Returns whether a group's record is JSON that steps alone bring to the current shape.
pub(super) fn is_by_steps<E: KvEntity>(group: usize, record: &Record) -> bool {
    let is_json = E::SCHEMA.groups.get(group).is_some_and(|schema| schema.codec == Codec::Json);
    let is_json = is_json && record.metadata.codec == Codec::Json;
    is_json && record.metadata.version > newest_of_predecessor::<E>(group)
}

/// Returns the newest version that a group's predecessor reads, or 0 if it has none.
fn newest_of_predecessor<E: KvEntity>(group: usize) -> u32 {
    struct Newest {
        group: usize,
        version: u32,
    }
    impl ShapeVisitor for Newest {
        fn group<T: DeserializeOwned>(&mut self, _: usize, _: &[FieldText]) {}

        fn previous<P: KvEntity>(&mut self, group: usize) {
            if group == self.group {
                self.version = newest::<P>();
            }
        }
    }
    let mut newest = Newest { group, version: 0 };
    E::visit_shape(&mut newest);
    newest.version
}

fn newest<P: KvEntity>() -> u32 {
    P::SCHEMA.groups.first().map_or(0, GroupSchema::version)
}

/// Reads an entity, and keeps the text of one of its groups if that is converted from a
/// predecessor.
struct Carrier<'a> {
    groups: Groups<'a>,
    group: usize,
    to: u32,
    carried: Option<Carried>,
}

impl Carrier<'_> {
    /// The predecessor's record as its successor `N`, and the text with the members that neither
    /// names.
    fn convert<P: KvEntity, N: StepFrom<P> + KvEntity>(
        &mut self,
        id: P::Id,
        record: RecordRef<'_>,
        schema: &GroupSchema,
    ) -> Result<N> {
        let context = self.groups.context;
        let at = || (context.locate)(schema);
        let only = Records::Only(record);
        let previous = decode_present::<P>(id.clone(), only, context)?;
        let carried = carry::<P>(id, only, 0, self.to.min(newest::<P>()), context)?;
        let before = encode_at(&previous, 0, newest::<P>(), Wanted::TAGS, &at)?;
        let new = guarded(|| N::step_from(previous)).map_err(|source| {
            let (from, to) = (newest::<P>(), schema.version);
            Box::new(Error::MigrationFailed { at: at(), from, to, source: source.into() })
        })?;
        self.carried = match carried {
            Some(carried) if self.to > newest::<P>() => self.converted(&carried.text, &before, &new, &at)?,
            carried => carried,
        };
        Ok(new)
    }

    /// Returns the text of a predecessor's record with the difference to its successor, at the
    /// version that is asked for.
    fn converted<N: KvEntity>(
        &self,
        stored: &str,
        before: &Encoded,
        new: &N,
        at: &dyn Fn() -> Box<Location>,
    ) -> Result<Option<Carried>> {
        let Some(schema) = N::SCHEMA.groups.first() else { return Ok(None) };
        let after = encode_at(new, 0, schema.version, Wanted::TAGS, at)?;
        let (Some(before), Some(after)) = (before.as_tagged(), after.as_tagged()) else { return Ok(None) };
        let mut text = merge(stored, before, after).text;
        if self.to < schema.version {
            let codec = Codec::Json;
            let mut members =
                Members::read(text.as_bytes()).map_err(|source| Error::Decode { at: at(), codec, source })?;
            bring_down(schema.steps, &mut members, self.to, &new.id())
                .map_err(|failed| failed.into_error(at()))?;
            text = members.into_text();
        }
        Ok(Some(Carried { text, is_converted: true }))
    }
}

impl GroupSource for Carrier<'_> {
    type Error = Box<Error>;

    fn required<T: DeserializeOwned>(&mut self, group: usize) -> Result<T> {
        self.groups.required(group)
    }

    fn optional<T: DeserializeOwned>(&mut self, group: usize, default: impl FnOnce() -> T) -> Result<T> {
        self.groups.optional(group, default)
    }

    fn previous<P: KvEntity, N: StepFrom<P> + KvEntity>(
        &mut self,
        group: usize,
        id: impl FnOnce() -> P::Id,
    ) -> Result<Option<N>> {
        let record = self.groups.records.get(group);
        match record.filter(|record| group == self.group && record.metadata.version <= newest::<P>()) {
            Some(record) => {
                let schema = self.groups.schema(group)?;
                self.convert::<P, N>(id(), record, schema).map(Some)
            }
            None => self.groups.previous::<P, N>(group, id),
        }
    }
}
