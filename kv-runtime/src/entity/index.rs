//! An index as constant data, and the constants by which calls name it.

use std::fmt;
use std::marker::PhantomData;

use kv_store::index::{IndexKey, IndexKind, IndexValue};

/// The constant description of an index.
#[derive(Clone, Copy, Debug)]
pub struct IndexSchema {
    pub(crate) name: &'static str,
    group: usize,
    parts: &'static [IndexPart],
    unique: bool,
    shown: bool,
    normaliser: Option<&'static str>,
    generation: u32,
}

/// The constant description of one field of an index.
#[derive(Clone, Copy, Debug)]
pub struct IndexPart {
    field: &'static str,
    kind: IndexKind,
    optional: bool,
}

impl IndexPart {
    /// Describes a field of this type.
    #[doc(hidden)]
    #[must_use]
    pub const fn of<V: IndexValue>(field: &'static str) -> Self {
        Self { field, kind: V::KIND, optional: V::IS_OPTIONAL }
    }

    /// Returns the field's name in Rust.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Returns what its values look like.
    #[must_use]
    pub const fn kind(&self) -> IndexKind {
        self.kind
    }

    /// Returns whether its value may be missing.
    #[must_use]
    pub const fn is_optional(&self) -> bool {
        self.optional
    }
}

impl IndexSchema {
    /// Describes an index over these fields of the group with this position in the entity's schema.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, group: usize, parts: &'static [IndexPart]) -> Self {
        Self { name, group, parts, unique: false, shown: false, normaliser: None, generation: 1 }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn normalised(mut self, path: &'static str) -> Self {
        self.normaliser = Some(path);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn generation(mut self, generation: u32) -> Self {
        self.generation = generation;
        self
    }

    /// Returns the name, which is a part of the entries' keys.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the position of the group that has the fields.
    #[must_use]
    pub const fn group(&self) -> usize {
        self.group
    }

    /// Returns the fields in the order of the index.
    #[must_use]
    pub const fn parts(&self) -> &'static [IndexPart] {
        self.parts
    }

    /// Returns whether no two entities have the same value.
    #[must_use]
    pub const fn is_unique(&self) -> bool {
        self.unique
    }

    /// Returns whether errors, spans and cursors may show the values.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.shown
    }

    /// Returns the path of the function that is applied to each value, if there is one.
    #[must_use]
    pub const fn normaliser(&self) -> Option<&'static str> {
        self.normaliser
    }

    /// Returns the generation, from 1. A change of the indexed value needs a new one.
    #[must_use]
    pub const fn generation_number(&self) -> u32 {
        self.generation
    }
}

/// An entity that a store can keep with all its indexes: on a store that is an [`IndexStore`](crate::store::IndexStore) every
/// entity, and on any other those without indexes. `#[derive(KvEntity)]` implements it.
///
/// Code that is generic over the entity as well as the store says `E: StoredIn<S>`. On
/// [`MemoryStore`](crate::store::MemoryStore) every [`KvEntity`](super::KvEntity) is.
#[diagnostic::on_unimplemented(
    message = "`{S}` cannot keep `{Self}` with its indexes",
    label = "entities of this type cannot be kept in this store",
    note = "indexes need a store that implements `IndexStore`, such as `MemoryStore`, `RedbStore` or `RedisStore`",
    note = "code that is generic over the entity and the store needs the bound `{Self}: StoredIn<{S}>`"
)]
pub trait StoredIn<S> {}

/// A unique index of `E` over values `V`: the field's type, or a tuple of the fields' types.
pub struct Unique<E, V: IndexKey>(Handle<E, V>);

/// An index of `E` over values `V`: the field's type, or a tuple of the fields' types.
pub struct Index<E, V: IndexKey>(Handle<E, V>);

/// What both have.
pub(crate) struct Handle<E, V: IndexKey> {
    /// The position in `INDEXES`.
    pub(crate) number: usize,
    pub(crate) normaliser: Option<V::Normaliser>,
    of: PhantomData<fn() -> (E, V)>,
}

macro_rules! handles {
    ($($name:ident)+) => {$(
        impl<E, V: IndexKey> $name<E, V> {
            /// Names the index with this position in the entity's `INDEXES`.
            #[doc(hidden)]
            #[must_use]
            pub const fn new(number: usize) -> Self {
                Self(Handle { number, normaliser: None, of: PhantomData })
            }

            /// Applies the function to each value that is looked up, as it is to each that is
            /// stored.
            #[doc(hidden)]
            #[must_use]
            pub const fn normalised(mut self, normaliser: V::Normaliser) -> Self {
                self.0.normaliser = Some(normaliser);
                self
            }

            pub(crate) const fn handle(self) -> Handle<E, V> {
                self.0
            }
        }

        impl<E, V: IndexKey> Copy for $name<E, V> {}

        impl<E, V: IndexKey> Clone for $name<E, V> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<E, V: IndexKey> fmt::Debug for $name<E, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("number", &self.0.number).finish_non_exhaustive()
            }
        }
    )+};
}

handles! { Unique Index }

impl<E, V: IndexKey> Copy for Handle<E, V> {}

impl<E, V: IndexKey> Clone for Handle<E, V> {
    fn clone(&self) -> Self {
        *self
    }
}
