//! What `#[derive(KvEntity)]` implements: a constant table and a few thin functions.

mod chain;
mod index;

use std::time::{Duration, SystemTime};

use kv_store::index::IndexParts;
use kv_store::key::{EntityId, IdSchema, KeyBuilder};
use kv_store::store::MemoryStore;
use kv_store::{BoxError, MaybeSend, MaybeSync, Timestamp};
use serde::{Serializer, de::DeserializeOwned};

use crate::adopt::{Adapter, Form, Plain, VersionIn};
use crate::codec::Codec;
use crate::migrate::{Step, StepFrom};

pub use chain::{assert_follows, assert_not_written};
pub(crate) use index::Handle;
pub use index::{Index, IndexPart, IndexSchema, StoredIn, Unique};

/// A struct that is stored under a key. Only `#[derive(KvEntity)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "this type does not derive `KvEntity`",
    note = "add `#[derive(KvEntity)]` and `#[kv(prefix = \"...\")]` to `{Self}`"
)]
pub trait KvEntity: StoredIn<MemoryStore> + Sized + MaybeSend + MaybeSync + 'static {
    /// The type of the id: that of the `#[kv(id)]` field, or a tuple if there are several.
    type Id: EntityId;

    /// The constant description of the entity.
    const SCHEMA: EntitySchema;

    /// The indexes, in the order of their declaration.
    const INDEXES: &'static [IndexSchema] = &[];

    /// Returns the id, cloned from its fields.
    fn id(&self) -> Self::Id;

    /// Sets the id. A fallback gets the id that was asked for.
    #[doc(hidden)]
    fn set_id(&mut self, id: Self::Id);

    /// Appends the id to a key, without cloning it.
    #[doc(hidden)]
    fn write_id(&self, key: &mut KeyBuilder);

    /// Whether a `#[kv(expires_at)]` field says when the entity expires.
    #[doc(hidden)]
    const EXPIRES_BY_FIELD: bool = false;

    /// Returns the value of the `#[kv(expires_at)]` field, if there is one.
    #[doc(hidden)]
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    /// Appends the values of the index with this position in [`INDEXES`](Self::INDEXES).
    #[doc(hidden)]
    fn write_index(&self, index: usize, parts: &mut IndexParts) {
        let _ = (index, parts);
    }

    /// Serializes the fields of the group with this index in the schema.
    #[doc(hidden)]
    fn serialize_group<S: Serializer>(&self, group: usize, serializer: S) -> Result<S::Ok, S::Error>;

    /// Makes the entity from its id and its groups' values.
    #[doc(hidden)]
    fn from_groups<G: GroupSource>(id: Self::Id, groups: &mut G) -> Result<Self, G::Error>;

    /// Reads a group whose record is no newer than its predecessor, and converts it. Only for an
    /// entity with one group, which may be a view: `group` is its index in the source.
    #[doc(hidden)]
    fn from_previous<G: GroupSource>(
        id: &Self::Id,
        groups: &mut G,
        group: usize,
    ) -> Result<Option<Self>, G::Error> {
        let _ = (id, groups, group);
        Ok(None)
    }

    /// Shows the predecessor of a group that writes this version, if the group has one that old.
    #[doc(hidden)]
    fn as_previous<V: PreviousVisitor>(&self, group: usize, version: u32, visitor: V) -> Option<V::Out> {
        let _ = (group, version, visitor);
        None
    }

    /// Shows what the entity stores, for the schema lock.
    #[doc(hidden)]
    fn visit_shape<V: ShapeVisitor>(visitor: &mut V) {
        let _ = visitor;
    }

    // The next two are methods of the predecessor. So if the predecessor is not an entity, every
    // use gives the same error at the same place, and the compiler reports it once.

    /// Reads a group's oldest records as this predecessor, and converts them to the current shape.
    #[doc(hidden)]
    fn read_as_previous<G: GroupSource, N: StepFrom<Self> + KvEntity>(
        groups: &mut G,
        group: usize,
        id: impl FnOnce() -> Self::Id,
    ) -> Result<Option<N>, G::Error> {
        groups.previous::<Self, N>(group, id)
    }

    /// Shows itself as what a group's oldest records are read as.
    #[doc(hidden)]
    fn visit_as_previous<V: ShapeVisitor>(visitor: &mut V, group: usize) {
        visitor.previous::<Self>(group);
    }
}

/// A field's name in Rust, its type, and the keys of its serde attributes in order.
#[doc(hidden)]
pub(crate) type FieldText = (&'static str, &'static str, &'static [&'static str]);

/// Visits what an entity stores, group by group in their order.
#[doc(hidden)]
pub trait ShapeVisitor {
    /// `T` is what the group is read as.
    fn group<T: DeserializeOwned>(&mut self, group: usize, fields: &[FieldText]);

    /// `P` is what the group's oldest records are read as.
    fn previous<P: KvEntity>(&mut self, group: usize);
}

/// Receives a predecessor that was made of the current entity.
#[doc(hidden)]
pub trait PreviousVisitor {
    type Out;

    /// `previous` is the result of the conversion.
    fn visit<P: KvEntity>(self, previous: Result<P, BoxError>) -> Self::Out;
}

/// An entity that [`touch`](crate::Collection::touch) can extend: one without `expires_at`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` carries its own expiry, so `touch` cannot extend it",
    label = "this entity has a `#[kv(expires_at)]` field",
    note = "set that field with `update`, and the record's expiry follows"
)]
pub trait Touch: KvEntity {}

/// A type for `#[kv(expires_at)]`: [`Timestamp`], [`SystemTime`], or an `Option` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say when a record expires",
    label = "not a moment",
    note = "a field with `#[kv(expires_at)]` is a `Timestamp`, a `SystemTime`, or an `Option` of one"
)]
pub trait ExpiresAt {
    /// Returns the moment, or `None` if the record does not expire.
    fn expires_at(&self) -> Option<Timestamp>;
}

impl ExpiresAt for Timestamp {
    fn expires_at(&self) -> Option<Timestamp> {
        Some(*self)
    }
}

impl ExpiresAt for SystemTime {
    fn expires_at(&self) -> Option<Timestamp> {
        Some((*self).into())
    }
}

impl<T: ExpiresAt> ExpiresAt for Option<T> {
    fn expires_at(&self) -> Option<Timestamp> {
        self.as_ref().and_then(T::expires_at)
    }
}

/// The source of the groups' values for the generated code.
#[doc(hidden)]
pub trait GroupSource {
    type Error;

    /// Returns the value of a required group.
    fn required<T: DeserializeOwned>(&mut self, group: usize) -> Result<T, Self::Error>;

    /// Returns the value of an optional group, or the result of `default` if it is absent.
    fn optional<T: DeserializeOwned>(
        &mut self,
        group: usize,
        default: impl FnOnce() -> T,
    ) -> Result<T, Self::Error>;

    /// Returns the current shape `N`, if the record is no newer than that of the predecessor `P`.
    fn previous<P: KvEntity, N: StepFrom<P> + KvEntity>(
        &mut self,
        group: usize,
        id: impl FnOnce() -> P::Id,
    ) -> Result<Option<N>, Self::Error>;
}

/// The constant description of an entity.
#[derive(Clone, Copy, Debug)]
pub struct EntitySchema {
    name: &'static str,
    family: &'static str,
    module: &'static str,
    line: u32,
    prefix: &'static str,
    ids: &'static [IdSchema],
    groups: &'static [GroupSchema],
}

impl EntitySchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        prefix: &'static str,
        ids: &'static [IdSchema],
        groups: &'static [GroupSchema],
    ) -> Self {
        Self { name, family: name, module: "", line: 0, prefix, ids, groups }
    }

    /// Marks a view: it shares its keys with the entity of this name.
    #[doc(hidden)]
    #[must_use]
    pub const fn view_of(mut self, entity: &'static str) -> Self {
        self.family = entity;
        self
    }

    /// Where the struct, or a view's entity, is declared. It tells entities with the same name
    /// apart.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(mut self, module: &'static str, line: u32) -> Self {
        self.module = module;
        self.line = line;
        self
    }

    /// Returns the struct's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the name of the entity that this one is a view of, or its own name.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        self.family
    }

    pub(crate) const fn module(&self) -> &'static str {
        self.module
    }

    pub(crate) const fn line(&self) -> u32 {
        self.line
    }

    /// Returns the prefix: one or more segments, joined by `:`.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Returns the id's fields, in their order in the key.
    #[must_use]
    pub const fn ids(&self) -> &'static [IdSchema] {
        self.ids
    }

    /// Returns the groups, the anchor first. There is at least one.
    #[must_use]
    pub const fn groups(&self) -> &'static [GroupSchema] {
        self.groups
    }
}

/// The constant description of one group: the fields that share a value.
#[derive(Clone, Copy, Debug)]
pub struct GroupSchema {
    name: Option<&'static str>,
    version: u32,
    codec: Codec,
    ttl: Option<Duration>,
    optional: bool,
    oldest: u32,
    write_version: u32,
    steps: &'static [Step],
    denies_unknown: bool,
    form: Form,
}

impl GroupSchema {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: Option<&'static str>, version: u32, codec: Codec) -> Self {
        Self {
            name,
            version,
            codec,
            ttl: None,
            optional: false,
            oldest: version,
            write_version: version,
            steps: &[],
            denies_unknown: false,
            form: Form::Enveloped,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn plain(mut self, version_in: Option<&'static VersionIn>) -> Self {
        self.form = Form::Plain(Plain { version_in, adapter: None });
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn adapted(mut self, adapter: &'static dyn Adapter) -> Self {
        if let Form::Plain(plain) = self.form {
            self.form = Form::Plain(Plain { adapter: Some(adapter), ..plain });
        }
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_oldest(mut self, oldest: u32) -> Self {
        self.oldest = oldest;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_write_version(mut self, version: u32) -> Self {
        self.write_version = version;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_steps(mut self, steps: &'static [Step]) -> Self {
        self.steps = steps;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn denies_unknown(mut self) -> Self {
        self.denies_unknown = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn ttl_secs(mut self, secs: u64) -> Self {
        self.ttl = Some(Duration::from_secs(secs));
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Returns the last segment of the group's keys. An entity's only group may have none.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Returns the version of the current shape, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the oldest version that is read.
    #[must_use]
    pub const fn oldest(&self) -> u32 {
        self.oldest
    }

    /// Returns the version that is written, below [`version`](Self::version) during a rolling
    /// deploy.
    #[must_use]
    pub const fn write_version(&self) -> u32 {
        self.write_version
    }

    /// Returns the steps between versions, in order.
    #[must_use]
    pub const fn steps(&self) -> &'static [Step] {
        self.steps
    }

    /// Returns the oldest version whose code can read a record of `version`.
    #[must_use]
    pub fn oldest_reader(&self, version: u32) -> u32 {
        let mut oldest = version;
        let additive = |to: u32| {
            let mut steps = self.steps.iter().filter(|step| step.to() == to).peekable();
            steps.peek().is_some() && steps.all(Step::is_compatible)
        };
        // A plain record has no place for it.
        while !self.is_plain()
            && self.codec == Codec::Json
            && !self.denies_unknown
            && oldest > 1
            && additive(oldest)
        {
            oldest -= 1;
        }
        oldest
    }

    /// Returns whether records are stored as their values alone: `plain`.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain(_))
    }

    /// Returns the member of a plain record's value that holds its version: `version_in`.
    #[must_use]
    pub const fn version_in(&self) -> Option<&'static VersionIn> {
        match self.form {
            Form::Plain(plain) => plain.version_in,
            Form::Enveloped => None,
        }
    }

    /// Returns what converts the records of another program: `adapter`.
    #[must_use]
    pub const fn adapter(&self) -> Option<&'static dyn Adapter> {
        match self.form {
            Form::Plain(plain) => plain.adapter,
            Form::Enveloped => None,
        }
    }

    pub(crate) const fn form(&self) -> &Form {
        &self.form
    }

    /// Returns the codec of new values. A record names its own codec, and is read by that.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Returns the TTL, unless the entity or the collection sets another one.
    #[must_use]
    pub const fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns whether the entity is complete without this group.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }
}
