//! Decodes records to an entity: by the version first, then by the codec that the record names.

use std::any::Any;

use kv_store::__private::Stopwatch;
use kv_store::record::{Metadata, Record, RecordRef};
use kv_store::{BoxError, Clock, Error, Location};
use serde::de::DeserializeOwned;

use crate::codec::{self, CodecError, Members};
use crate::entity::{GroupSchema, GroupSource, KvEntity};
use crate::migrate::{Hook, Migration, MigrationOutcome, StepFrom, guarded, read_reshaped, read_stepped};
use crate::small::SIZE_FIRST;

/// What decoding needs from its caller.
pub(crate) struct Context<'a> {
    /// The entity's name.
    pub(crate) entity: &'static str,
    /// Returns the location of a group's record; called only for an error or a migration.
    pub(crate) locate: &'a dyn Fn(&GroupSchema) -> Box<Location>,
    /// The hook that migrations call.
    pub(crate) hook: &'a Hook,
    /// The clock that measures how long a migration took.
    pub(crate) clock: &'a Clock,
}

/// Errors are boxed while values are passed on. An unboxed error is as large as many values, so
/// each move would copy more.
pub(super) type Result<T> = std::result::Result<T, Box<Error>>;

/// Returns the entity that these records of its groups hold, if its anchor is there.
pub(crate) fn decode<E: KvEntity>(
    id: E::Id,
    records: &[Option<Record>],
    context: &Context<'_>,
) -> Result<Option<E>> {
    match records.first() {
        Some(Some(_)) => decode_present(id, records, context).map(Some),
        _ => Ok(None),
    }
}

/// Returns the entity that these records of its groups hold. Its anchor is there.
pub(crate) fn decode_present<'a, E: KvEntity>(
    id: E::Id,
    records: impl Into<Records<'a>>,
    context: &Context<'_>,
) -> Result<E> {
    let held = held_id::<E>(&id);
    let held = held.as_ref().map(|id| id as &dyn Any);
    E::from_groups(id, &mut Groups { schema: E::SCHEMA.groups, records: records.into(), context, id: held })
}

/// Returns the id for steps that see it. Known while compiling, so that no other entity clones it.
pub(super) fn held_id<E: KvEntity>(id: &E::Id) -> Option<E::Id> {
    const { step_takes_id(E::SCHEMA.groups) }.then(|| id.clone())
}

const fn step_takes_id(groups: &[GroupSchema]) -> bool {
    let mut group = 0;
    while group < groups.len() {
        let steps = groups[group].steps;
        let mut step = 0;
        while step < steps.len() {
            if steps[step].change.takes_id() {
                return true;
            }
            step += 1;
        }
        group += 1;
    }
    false
}

/// The records of an entity's groups. A single one is borrowed, because a list has thousands of
/// them.
#[derive(Clone, Copy)]
pub(crate) enum Records<'a> {
    Only(RecordRef<'a>),
    All(&'a [Option<Record>]),
}

impl<'a> Records<'a> {
    pub(super) fn get(&self, group: usize) -> Option<RecordRef<'a>> {
        match self {
            Self::Only(record) => Some(*record).filter(|_| group == 0),
            Self::All(records) => records.get(group)?.as_ref().map(RecordRef::from),
        }
    }
}

impl<'a> From<RecordRef<'a>> for Records<'a> {
    fn from(record: RecordRef<'a>) -> Self {
        Self::Only(record)
    }
}

impl<'a> From<&'a [Option<Record>]> for Records<'a> {
    fn from(records: &'a [Option<Record>]) -> Self {
        Self::All(records)
    }
}

/// Reads groups from their records.
pub(super) struct Groups<'a> {
    pub(super) schema: &'static [GroupSchema],
    pub(super) records: Records<'a>,
    pub(super) context: &'a Context<'a>,
    /// The id, if a step sees it.
    pub(super) id: Option<&'a dyn Any>,
}

impl Groups<'_> {
    #[inline]
    pub(super) fn schema(&self, group: usize) -> Result<&'static GroupSchema> {
        let capability = "reading a group without a schema";
        let missing = || Box::new(Error::Unsupported { at: Box::default(), capability });
        self.schema.get(group).ok_or_else(missing)
    }

    fn check_version(&self, schema: &GroupSchema, metadata: &Metadata) -> Result<()> {
        let (found, supported, oldest) = (metadata.version, schema.version, schema.oldest);
        if found < oldest {
            return Err(Box::new(Error::TooOld { at: (self.context.locate)(schema), found, oldest }));
        }
        if found > supported && metadata.oldest_reader() > supported {
            return Err(Box::new(Error::TooNew { at: (self.context.locate)(schema), found, supported }));
        }
        Ok(())
    }

    /// Returns the value if this program can read its version: the current one, a newer one that
    /// says that this code can read it, or an older one, through its steps.
    #[inline]
    fn value<T: DeserializeOwned>(&self, schema: &GroupSchema, record: RecordRef<'_>) -> Result<T> {
        // By far the most common case, so it is tested first.
        if record.metadata.version == schema.version {
            return self.decoded(schema, record);
        }
        self.value_of_another_version(schema, record)
    }

    // A function apart, so that the path of the current version is small enough to be inlined.
    #[inline(never)]
    fn value_of_another_version<T: DeserializeOwned>(
        &self,
        schema: &GroupSchema,
        record: RecordRef<'_>,
    ) -> Result<T> {
        let version = record.metadata.version;
        self.check_version(schema, record.metadata)?;
        if version > schema.version {
            return self.decoded(schema, record);
        }
        self.migrating(schema, record, || match record.metadata.codec {
            codec::Codec::Json => self.by_steps(schema, record),
            _ => {
                let binary = "its codec is a binary one, which no step reads but a predecessor (`previous`)";
                Err(self.failed(schema, version, schema.version, binary.into()))
            }
        })
    }

    fn by_steps<T: DeserializeOwned>(&self, schema: &GroupSchema, record: RecordRef<'_>) -> Result<T> {
        let version = record.metadata.version;
        if !SIZE_FIRST && let Some(value) = read_reshaped(record.value, schema.steps, version) {
            return Ok(value);
        }
        let stepped = || {
            let (to, id) = (schema.version, self.id.unwrap_or(&()));
            read_stepped(Members::read, schema.steps, record.value, (version, to), id)
                .map_err(|failed| failed.into_error((self.context.locate)(schema)))
        };
        if !SIZE_FIRST && let Some(value) = stepped()?.decode() {
            return Ok(value);
        }
        // Once more from the text, whose error has the words.
        // A place in this text would be none in the record.
        let json = codec::Codec::Json;
        codec::decode(json, stepped()?.into_text().as_bytes())
            .map_err(|source| self.undecoded(schema, json, codec::without_place(source)))
    }

    #[inline]
    fn decoded<T: DeserializeOwned>(&self, schema: &GroupSchema, record: RecordRef<'_>) -> Result<T> {
        let codec = record.metadata.codec;
        codec::decode_or(codec, record.value, |source| self.undecoded(schema, codec, source))
    }

    #[cold]
    fn undecoded(&self, schema: &GroupSchema, codec: codec::Codec, source: CodecError) -> Box<Error> {
        Box::new(Error::Decode { at: (self.context.locate)(schema), codec, source })
    }

    fn failed(&self, schema: &GroupSchema, from: u32, to: u32, source: BoxError) -> Box<Error> {
        let source = source.into();
        Box::new(Error::MigrationFailed { at: (self.context.locate)(schema), from, to, source })
    }

    /// Runs a migration, and calls the hook before and after it.
    fn migrating<T>(
        &self,
        schema: &GroupSchema,
        record: RecordRef<'_>,
        migrate: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let Some(hook) = &self.context.hook.0 else { return migrate() };
        let at = (self.context.locate)(schema);
        let (from, to) = (record.metadata.version, schema.version);
        let migration =
            Migration { entity: self.context.entity, key: at.key.as_deref().unwrap_or_default(), from, to };
        hook.before(&migration).map_err(|refusal| self.failed(schema, from, to, refusal))?;
        let watch = Stopwatch::start(self.context.clock);
        let result = migrate();
        let outcome = if result.is_ok() { MigrationOutcome::Migrated } else { MigrationOutcome::Failed };
        hook.after(&migration, watch.elapsed(), outcome);
        result
    }
}

impl GroupSource for Groups<'_> {
    type Error = Box<Error>;

    #[inline]
    fn required<T: DeserializeOwned>(&mut self, group: usize) -> Result<T> {
        let schema = self.schema(group)?;
        match self.records.get(group) {
            Some(record) => self.value(schema, record),
            None => Err(Box::new(Error::Incomplete {
                at: (self.context.locate)(self.schema.first().unwrap_or(schema)),
                group: schema.name.unwrap_or_default(),
            })),
        }
    }

    fn optional<T: DeserializeOwned>(&mut self, group: usize, default: impl FnOnce() -> T) -> Result<T> {
        let schema = self.schema(group)?;
        self.records.get(group).map_or_else(|| Ok(default()), |record| self.value(schema, record))
    }

    fn previous<P: KvEntity, N: StepFrom<P> + KvEntity>(
        &mut self,
        group: usize,
        id: impl FnOnce() -> P::Id,
    ) -> Result<Option<N>> {
        let newest = P::SCHEMA.groups.first().map_or(0, GroupSchema::version);
        // First of all, as most records are current.
        let record = self.records.get(group).filter(|record| record.metadata.version <= newest);
        let Some(record) = record else { return Ok(None) };
        let schema = self.schema(group)?;
        self.check_version(schema, record.metadata)?;
        self.migrating(schema, record, || {
            // The predecessor reads the record through its own chain; the hook hears of the whole
            // way, once.
            let context = Context { hook: &Hook(None), ..*self.context };
            let previous = decode_present::<P>(id(), record, &context)?;
            guarded(|| N::step_from(previous))
                .map(Some)
                .map_err(|source| self.failed(schema, newest, schema.version, source))
        })
    }
}
