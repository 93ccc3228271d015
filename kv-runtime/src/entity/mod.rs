//! What `#[derive(KvEntity)]` implements: a constant table and a few thin functions.

mod chain;
mod expiry;
mod index;
mod schema;

use kv_store::index::IndexParts;
use kv_store::key::{EntityId, KeyBuilder};
use kv_store::store::MemoryStore;
use kv_store::{BoxError, MaybeSend, MaybeSync, Timestamp};
use serde::{Serializer, de::DeserializeOwned};

use crate::migrate::StepFrom;

pub use chain::{assert_follows, assert_not_written};
pub use expiry::{ExpiresAt, Touch};
pub(crate) use index::Handle;
pub use index::{Index, IndexPart, IndexSchema, StoredIn, Unique};
pub use schema::{EntitySchema, GroupSchema};

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
