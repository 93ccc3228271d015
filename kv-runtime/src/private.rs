//! What generated code names. Not a part of the public interface: it changes with the macro.

use std::hash::Hasher;

pub use ::serde;
pub use kv_derive::schema_checks;

pub use crate::adopt::{Spelling, VersionIn};
pub use crate::codec::Codec;
pub use crate::entity::{
    EntitySchema, ExpiresAt, GroupSchema, GroupSource, Index, IndexPart, IndexSchema, KvEntity,
    PreviousVisitor, ShapeVisitor, StoredIn, Touch, Unique, assert_follows, assert_not_written,
};
pub use crate::migrate::{Change, Step, StepFrom, StepInto};
pub use crate::schema::collide::{assert_apart, assert_indexes_apart};
pub use kv_store::index::{IndexParts, IndexValue, Normaliser, write_normalised};
pub use kv_store::key::{
    ByReference, ByValue, EntityId, IdKind, IdSchema, IdTraits, IdWriter, KeyBuilder, KvId, Lookup, Passing,
};
pub use kv_store::store::{IndexStore, Store};
pub use kv_store::{BoxError, MaybeSend, MaybeSync, Timestamp};

/// The arm that no schema leads to: a group that the entity does not have.
pub fn no_such_group<S: serde::Serializer>(group: usize, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom(format_args!("there is no group {group}")))
}

/// The JSON of an expression, for a member that older or newer code has. What JSON cannot say is an
/// error.
pub fn to_json<T: serde::Serialize>(value: T) -> Result<Box<serde_json::value::RawValue>, BoxError> {
    let text = crate::codec::encode_tagged(&value)?.text;
    Ok(serde_json::value::RawValue::from_string(text)?)
}

/// Calls a step that sees the id, in the form in which calls take ids.
pub fn step_with_id<I: EntityId>(
    object: &mut crate::migrate::Object,
    id: &dyn std::any::Any,
    step: fn(&mut crate::migrate::Object, I::Ref<'_>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let id = id.downcast_ref::<I>().ok_or("the id is of another type")?;
    step(object, id.as_id_ref())
}

/// The newest version that an entity of one group reads.
pub const fn newest<E: KvEntity>() -> u32 {
    match E::SCHEMA.groups {
        [group, ..] => group.version,
        [] => 0,
    }
}

/// The way back to a predecessor, which is asked for only where a version is written that it has.
#[diagnostic::on_unimplemented(
    message = "the predecessor `{P}` cannot be made of `{Self}`, so `write_version` cannot reach it",
    label = "there is no `From<&{Self}>` for `{P}`",
    note = "implement `From<&{Self}>` or `TryFrom<&{Self}>` for `{P}`"
)]
pub trait WayBack<P, const NEEDED: bool> {
    fn way_back(&self) -> Result<P, BoxError>;
}

impl<P, N> WayBack<P, false> for N {
    fn way_back(&self) -> Result<P, BoxError> {
        Err("no version of the predecessor is written".into())
    }
}

#[diagnostic::do_not_recommend]
impl<P, N: StepInto<P>> WayBack<P, true> for N {
    fn way_back(&self) -> Result<P, BoxError> {
        self.step_into()
    }
}

/// `Default`, by a name that says why it is needed.
macro_rules! defaults {
    ($($(#[$attribute:meta])* $name:ident;)*) => {$(
        $(#[$attribute])*
        pub trait $name {
            fn make() -> Self;
        }

        #[diagnostic::do_not_recommend]
        impl<T: Default> $name for T {
            fn make() -> T {
                T::default()
            }
        }
    )*};
}

defaults! {
    /// Of a field in an optional group.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no default, which a field of an optional group needs",
        label = "the group may be absent, and is then read as the defaults of its fields",
        note = "implement `Default` for `{Self}`, or name a function: `#[serde(default = \"path\")]`"
    )]
    AbsentDefault;

    /// Of a field with `#[kv(skip)]`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no default, which a skipped field needs",
        label = "no record has the field, so it is read as its default",
        note = "implement `Default` for `{Self}`"
    )]
    SkippedDefault;

    /// Of a field with `#[kv(added(...))]`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` has no default, which a field that older records lack needs",
        label = "an older record is read with the default of the field",
        note = "say what it is, `added(since = 2, default = ...)`, or implement `Default` for `{Self}`"
    )]
    AddedDefault;
}

pub use crate::cursor_key::SealedCursors;

/// As [`SealedCursors`]. The lifetime makes the bound one that is checked where it is used.
#[diagnostic::on_unimplemented(
    message = "`schema()` needs the feature `schema-lock` of kv-runtime",
    label = "this feature is off",
    note = "add it to Cargo.toml: `kv-runtime = {{ version = \"..\", features = [\"schema-lock\"] }}`"
)]
pub trait SchemaLock<'a> {}

/// What `schema()` would give, with the one call that is made of it.
#[derive(Debug)]
pub struct NoSchema;

impl NoSchema {
    pub fn check_lock(&self, _: impl AsRef<std::path::Path>) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A predecessor's id, which is of the same type as that of its successor.
pub fn same_id<J, I: Clone + SameId<J>>(id: &I) -> J {
    id.clone().same()
}

/// An id's own type.
#[diagnostic::on_unimplemented(
    message = "the predecessor has another id, so it is not the same records",
    label = "the id of this one is `{J}`, and that of its successor `{Self}`"
)]
pub trait SameId<J> {
    fn same(self) -> J;
}

impl<I> SameId<I> for I {
    fn same(self) -> I {
        self
    }
}

/// Clones an id. The bound is [`KvId`], which includes `Clone`: a bound on `Clone` would make the
/// compiler report a missing impl twice. The two functions below have one bound for the same
/// reason.
pub fn cloned<I: KvId>(id: &I) -> I {
    id.clone()
}

/// Hashes an id.
pub fn hash_id<I: KvId>(id: &I, state: &mut impl Hasher) {
    id.hash(state);
}

/// Whether two ids are one.
pub fn same<I: KvId>(a: &I, b: &I) -> bool {
    a == b
}

/// The anchor's key of an id, for tests of keys that go through neither collection nor store.
pub fn key_of<E: KvEntity>(id: &E::Id) -> kv_store::key::Key {
    let mut key = KeyBuilder::new(E::SCHEMA.prefix, E::SCHEMA.ids);
    id.write(&mut key);
    key.finish(anchor_name::<E>())
}

/// The id that an anchor's key names, as a list reads it.
pub fn id_of<E: KvEntity>(key: &str) -> Option<E::Id> {
    kv_store::__private::parse_key(key, E::SCHEMA.prefix, E::SCHEMA.ids, anchor_name::<E>())
}

fn anchor_name<E: KvEntity>() -> Option<&'static str> {
    E::SCHEMA.groups.first().and_then(GroupSchema::name)
}
