//! What generated code names. Not a part of the public interface: it changes with the macro.

pub use ::serde;

pub use crate::clock::Timestamp;
pub use crate::codec::Codec;
pub use crate::entity::{EntitySchema, ExpiresAt, GroupSchema, GroupSource, KvEntity, PreviousVisitor, ShapeVisitor, Touch};
pub use crate::key::{EntityId, IdKind, IdSchema, IdWriter, KeyBuilder, KvId, Lookup};
pub use crate::maybe_send::{MaybeSend, MaybeSync};
pub use crate::error::BoxError;
pub use crate::migrate::{Change, Step, StepFrom, StepInto, assert_follows, assert_whole};
pub use crate::schema::collide::assert_disjoint;

/// The arm that no schema leads to: a group that the entity does not have.
pub fn no_such_group<S: serde::Serializer>(group: usize, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom(format_args!("there is no group {group}")))
}

/// The JSON value of an expression, for a member that older or newer code has.
pub fn to_value<T: serde::Serialize>(value: T) -> Result<serde_json::Value, BoxError> {
    serde_json::to_value(value).map_err(BoxError::from)
}

/// The id that a reference names. That an id is `Clone` is asked for by [`KvId`], and need not be told twice.
pub fn cloned<I: KvId>(id: &I) -> I {
    id.clone()
}

/// The anchor's key of an id, for tests of keys that go through neither collection nor store.
pub fn key_of<E: KvEntity>(id: &E::Id) -> crate::key::Key {
    let mut key = KeyBuilder::new(E::SCHEMA.prefix(), E::SCHEMA.ids());
    id.write(&mut key);
    key.finish(anchor_name::<E>())
}

/// The id that an anchor's key names, as a list reads it.
pub fn id_of<E: KvEntity>(key: &str) -> Option<E::Id> {
    crate::key::parse_key(key, &E::SCHEMA, anchor_name::<E>())
}

fn anchor_name<E: KvEntity>() -> Option<&'static str> {
    E::SCHEMA.groups().first().and_then(GroupSchema::name)
}
