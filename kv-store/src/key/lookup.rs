//! How calls take many ids, and a list its first ids: owned or borrowed.
//!
//! The impls are concrete, so that a literal's type is inferred and a wrong one is reported where it stands.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::builder::KeyBuilder;

/// Something that names an id of type `Id`, for calls that take many: `get_many(&ids)`. Calls that take one have
/// [`IdRef`](https://docs.rs/kv-runtime/latest/kv_runtime/type.IdRef.html). Implemented for each id type, references to it, `&str` for string ids, and
/// tuples of lookups for composite ids; [`#[derive(KvId)]`](https://docs.rs/kv-runtime/latest/kv_runtime/derive.KvId.html) implements it for the derived type and references to it,
/// and not for what a newtype holds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name an id of type `{Id}`",
    label = "expected `{Id}` or `&{Id}`",
    note = "a `&str` names an id of text; several ids are a tuple: `(\"acme\", 7)`",
    note = "a number of another type needs a cast, as in `id as u64`, and an `Option` has to be unwrapped",
    note = "a newtype is named by itself, not by what it holds: `OrgId(..)` or `&org_id`"
)]
pub trait Lookup<Id> {
    /// Appends the id to a key.
    fn write(&self, key: &mut KeyBuilder);

    /// Hashes as the id does, so that a cache finds it without making one.
    fn hash_id<H: Hasher>(&self, state: &mut H);

    /// Whether it names this id.
    fn names(&self, id: &Id) -> bool;

    /// The id itself, for the entity that is found.
    fn into_id(self) -> Id;
}

/// Implements [`Lookup`] for an id type and a reference to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __lookup_self {
    ($($id:ty),* $(,)?) => {$(
        impl $crate::key::Lookup<$id> for $id {
            fn write(&self, key: &mut $crate::key::KeyBuilder) {
                key.push(self);
            }

            fn hash_id<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(self, state);
            }

            fn names(&self, id: &$id) -> bool {
                self == id
            }

            fn into_id(self) -> $id {
                self
            }
        }

        impl $crate::key::Lookup<$id> for &$id {
            fn write(&self, key: &mut $crate::key::KeyBuilder) {
                key.push(*self);
            }

            fn hash_id<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(*self, state);
            }

            fn names(&self, id: &$id) -> bool {
                *self == id
            }

            fn into_id(self) -> $id {
                ::core::clone::Clone::clone(self)
            }
        }
    )*};
}

__lookup_self!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, bool, char);
__lookup_self!(String, Box<str>, Arc<str>);
#[cfg(feature = "uuid")]
__lookup_self!(uuid::Uuid);

macro_rules! lookup_text {
    ($($id:ty: $($borrowed:ty),+;)*) => {$($(
        impl Lookup<$id> for $borrowed {
            fn write(&self, key: &mut KeyBuilder) {
                key.push::<str>(self);
            }

            fn hash_id<H: Hasher>(&self, state: &mut H) {
                let text: &str = self;
                text.hash(state);
            }

            fn names(&self, id: &$id) -> bool {
                let text: &str = self;
                *text == **id
            }

            fn into_id(self) -> $id {
                let text: &str = &self;
                text.into()
            }
        }
    )+)*};
}

lookup_text! {
    String: &str, &&str;
    Box<str>: &str, &&str, String, &String;
    Arc<str>: &str, &&str, String, &String;
}

/// How many of an entity's ids a [`Within`] names. The compiler infers it.
#[derive(Debug)]
pub struct Depth1;
/// See [`Depth1`].
#[derive(Debug)]
pub struct Depth2;
/// See [`Depth1`].
#[derive(Debug)]
pub struct Depth3;
/// See [`Depth1`].
#[derive(Debug)]
pub struct Depth4;
/// See [`Depth1`].
#[derive(Debug)]
pub struct Depth5;

/// The first ids of a composite id, at least one and not all: what a list can stop at.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name the first ids of `{Id}`",
    label = "expected the first id of `{Id}`, or a tuple of its first ids, but not all of them",
    note = "each is named as in `get`: by itself, a reference, or a `&str` for text; a newtype not by what it holds, but as `OrgId(..)` or `&org_id`"
)]
pub trait Within<Id, Depth> {
    /// Appends these ids to a key.
    fn write(&self, key: &mut KeyBuilder);
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::hash::DefaultHasher;

    use super::*;
    use crate::key::EntityId;

    /// A map of ids finds `id` by this lookup, and no other id.
    #[track_caller]
    fn names_only<Id: EntityId + Debug, L: Lookup<Id>>(lookup: L, id: &Id, others: &[Id]) {
        let hashed = |hash: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            hash(&mut hasher);
            hasher.finish()
        };
        let of_id = hashed(&|hasher| id.hash(hasher));
        assert_eq!(hashed(&|hasher| lookup.hash_id(hasher)), of_id, "{id:?}");
        assert!(lookup.names(id), "{id:?}");
        for other in others {
            assert!(!lookup.names(other), "{other:?}");
        }
        assert_eq!(lookup.into_id(), *id);
    }

    #[test]
    #[expect(clippy::needless_borrows_for_generic_args, reason = "a borrow is a form of its own")]
    fn every_form_of_an_id_names_that_id_alone() {
        names_only(7, &7_u64, &[8, 0]);
        names_only(&7, &7_u64, &[8, 0]);
        let (id, others) = ("a".to_owned(), ["b".to_owned(), String::new(), "ab".to_owned()]);
        names_only("a", &id, &others);
        names_only(&"a", &id, &others);
        names_only(&id, &id, &others);
        names_only(id.clone(), &id, &others);
        let (boxed, unlike): (Box<str>, [Box<str>; 1]) = ("a".into(), ["b".into()]);
        names_only("a", &boxed, &unlike);
        names_only(&id, &boxed, &unlike);
        names_only(id.clone(), &boxed, &unlike);
        let (shared, unlike): (Arc<str>, [Arc<str>; 1]) = ("a".into(), ["b".into()]);
        names_only("a", &shared, &unlike);
        names_only(id, &shared, &unlike);
    }

    /// Each part of a composite id decides.
    #[test]
    fn every_form_of_a_composite_id_names_that_id_alone() {
        let id = |org: &str, team, user| (org.to_owned(), team, user);
        let (this, others) = (id("a", 1_u32, -7_i64), [id("b", 1, -7), id("a", 2, -7), id("a", 1, 7)]);
        names_only(("a", 1, -7), &this, &others);
        names_only((&this.0, &this.1, this.2), &this, &others);
        names_only(&this, &this, &others);
        names_only(this.clone(), &this, &others);
        let two = (1_u8, "x".to_owned());
        names_only((1, "x"), &two, &[(2, "x".to_owned()), (1, "y".to_owned())]);
    }
}
