//! `schema!`: the entities of an application in one list, whose keys cannot collide.
//!
//! With the feature `schema-lock`, `App::schema()` returns what the entities store as data
//! ([`Schema`]), down through nested types. A test compares it with a committed `kv-schema.lock`
//! ([`Schema::check_lock`]), which keeps every shape that was released. See [the
//! guide](crate::guide::schema_lock).
//!
//! `collide` (that no two entities share a key), `trace` (the shape of a type), `shape`, `kind`,
//! `index` and `describe` (the data), `compare` (what differs, and what to do about it), `lock` (the
//! file), `seal` (whether it is as it was written).

pub(crate) mod collide;
#[cfg(feature = "schema-lock")]
mod compare;
#[cfg(feature = "schema-lock")]
mod describe;
#[cfg(feature = "schema-lock")]
mod difference;
#[cfg(feature = "schema-lock")]
mod index;
#[cfg(feature = "schema-lock")]
mod kind;
#[cfg(feature = "schema-lock")]
mod lock;
#[cfg(feature = "schema-lock")]
mod release;
#[cfg(feature = "schema-lock")]
mod seal;
#[cfg(feature = "schema-lock")]
mod shape;
#[cfg(feature = "schema-lock")]
mod trace;

#[cfg(feature = "schema-lock")]
pub use describe::{EntityShape, GroupShape, IdShape, Schema};
#[cfg(feature = "schema-lock")]
pub use difference::{Difference, Effect};
#[cfg(feature = "schema-lock")]
pub use index::{IndexFieldShape, IndexShape};
#[cfg(feature = "schema-lock")]
pub use lock::LockError;
#[cfg(feature = "schema-lock")]
pub use release::{Lock, LockMode, Release};
#[cfg(feature = "schema-lock")]
pub use shape::{Field, Shape, Variant, VariantShape};

/// Lists an application's entities as one type, and proves while it compiles that no two of them
/// share a key.
///
/// Two entities whose keys can collide are a compile error that names both. A view and its entity
/// share their keys on purpose and may both be listed. `org` with a numeric id and `org:member`
/// cannot collide, and are allowed. Two entities of the same prefix must not have indexes of the same
/// name.
///
/// ```
/// # use kv_runtime::KvEntity;
/// #[derive(KvEntity)]
/// #[kv(prefix = "org")]
/// struct Org {
///     #[kv(id)]
///     id: u64,
///     name: String,
/// }
///
/// #[derive(KvEntity)]
/// #[kv(prefix = "org:member")]
/// struct Member {
///     #[kv(id)]
///     id: u64,
///     role: String,
/// }
///
/// kv_runtime::schema! {
///     /// What this application keeps.
///     pub App: Org, Member
/// }
///
/// assert_eq!(App::ENTITIES.len(), 2);
/// ```
///
/// ```compile_fail
/// # use kv_runtime::KvEntity;
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "org")]
/// # struct Org { #[kv(id)] name: String, city: String }
/// # #[derive(KvEntity)]
/// # #[kv(prefix = "org")]
/// # struct Member { #[kv(id)] id: u64, role: String }
/// kv_runtime::schema! { App: Org, Member } // `org:7` could be either's
/// ```
#[macro_export]
macro_rules! schema {
    ($(#[$attribute:meta])* $visibility:vis $name:ident: $($entity:ty),+ $(,)?) => {
        $(#[$attribute])*
        $visibility struct $name;

        impl $name {
            /// The constant descriptions of all entities, in the order of the list.
            pub const ENTITIES: &'static [$crate::EntitySchema] = &[$(<$entity as $crate::KvEntity>::SCHEMA),+];

            #[doc(hidden)]
            pub const __INDEXES: &'static [&'static [$crate::index::IndexSchema]] =
                &[$(<$entity as $crate::KvEntity>::INDEXES),+];
        }

        $crate::__private::schema_checks! { [$crate] [$name] [$($entity),+] }

        $crate::__schema_lock! { $name: $($entity),+ }
    };
}

/// What the feature `schema-lock` adds to [`schema!`]: it is decided here, not in the application,
/// which has no such feature.
#[cfg(feature = "schema-lock")]
#[doc(hidden)]
#[macro_export]
macro_rules! __schema_lock {
    ($name:ident: $($entity:ty),+) => {
        impl $name {
            /// What is stored, down through nested types.
            #[allow(dead_code)]
            #[must_use]
            pub fn schema() -> $crate::schema::Schema {
                <$crate::schema::Schema as ::core::default::Default>::default()$(.with::<$entity>())+
            }
        }
    };
}

/// Without the feature, a function that says which one it needs.
#[cfg(not(feature = "schema-lock"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __schema_lock {
    ($name:ident: $($entity:ty),+) => {
        impl $name {
            #[doc(hidden)]
            #[allow(dead_code)]
            pub fn schema<'a>() -> $crate::__private::NoSchema
            where
                Self: $crate::__private::SchemaLock<'a>,
            {
                $crate::__private::NoSchema
            }
        }
    };
}
