//! `schema!`: the entities of an application in one list, whose keys cannot collide.

mod collide;

pub use collide::assert_disjoint;

/// Lists an application's entities as one type, and proves while it compiles that no two of them share a key.
///
/// Two entities whose keys can collide are a compile error that names both. A view and its entity share their keys on
/// purpose and may both be listed. `org` with a numeric id and `org:member` cannot collide, and are allowed.
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
        }

        const _: () = $crate::__private::assert_disjoint($name::ENTITIES);
    };
}
