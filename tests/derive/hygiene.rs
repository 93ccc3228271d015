//! The derives work wherever they stand and whatever is in scope.

use kv_runtime::KvEntity;

use super::collection;

/// Nothing of the prelude is in scope, and what generated code might name is something else.
#[no_implicit_prelude]
#[allow(dead_code, nonstandard_style, reason = "names to trip over")]
mod no_prelude {
    mod core {}
    mod std {}
    mod serde {}
    mod kv_runtime {}
    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct String;
    trait Clone {}
    trait Default {}
    const name: () = ();
    static key: () = ();

    /// Documented.
    #[derive(::kv_runtime::KvEntity)]
    #[kv(prefix = "bare", group = "a", ttl = "1h", group(name = "b", optional), group(name = "c"))]
    pub(super) struct Bare {
        #[kv(id, ordered)]
        pub(super) id: u64,
        #[kv(id, secret)]
        pub(super) r#type: Flag,
        pub(super) name: ::std::string::String,
        #[kv(group = "b")]
        pub(super) key: u8,
        #[kv(group = "b")]
        pub(super) group: ::std::option::Option<u8>,
        #[kv(group = "c")]
        pub(super) r#fn: u8,
        #[kv(skip)]
        pub(super) serializer: u8,
    }

    #[derive(::kv_runtime::KvEntity)]
    #[kv(prefix = "generic")]
    pub(super) struct Generic<S, G> {
        #[kv(id)]
        pub(super) id: u64,
        pub(super) s: S,
        #[serde(default)]
        pub(super) g: G,
        #[kv(expires_at)]
        pub(super) at: ::std::time::SystemTime,
    }

    #[derive(
        ::kv_runtime::KvId,
        ::std::clone::Clone,
        ::std::cmp::PartialEq,
        ::std::cmp::Eq,
        ::std::hash::Hash,
        ::std::fmt::Debug,
    )]
    pub(super) enum Flag {
        On,
        Off,
    }

    #[derive(
        ::kv_runtime::KvId,
        ::std::clone::Clone,
        ::std::cmp::PartialEq,
        ::std::cmp::Eq,
        ::std::hash::Hash,
        ::std::fmt::Debug,
    )]
    pub(super) struct Number(u64);
}

#[tokio::test]
async fn without_a_prelude() {
    use no_prelude::{Bare, Flag};
    let bare = collection::<Bare>();
    let entity = Bare {
        id: 1,
        r#type: Flag::On,
        name: "n".to_owned(),
        key: 2,
        group: Some(3),
        r#fn: 4,
        serializer: 5,
    };
    bare.put(&entity).await.unwrap();
    let read = bare.get((1, Flag::On)).await.unwrap().unwrap();
    assert_eq!(
        (read.name.as_str(), read.key, read.group, read.r#fn, read.serializer),
        ("n", 2, Some(3), 4, 0)
    );
    assert_eq!(Bare::SCHEMA.ids()[1].name(), "type");
}

/// The runtime under another name.
mod renamed {
    pub(super) mod inner {
        pub(in super::super) extern crate kv_runtime as store_runtime;
    }

    #[derive(inner::store_runtime::KvId, Debug, Clone, PartialEq, Eq, Hash)]
    #[kv(crate = "crate::hygiene::renamed::inner::store_runtime")]
    pub(super) struct Id(pub(super) String);

    #[derive(inner::store_runtime::KvEntity)]
    #[kv(prefix = "renamed", crate = "crate::hygiene::renamed::inner::store_runtime", group(name = "other"))]
    pub(super) struct Renamed {
        #[kv(id)]
        pub(super) id: Id,
        pub(super) value: u8,
        #[kv(group = "other")]
        pub(super) other: u8,
    }
}

#[tokio::test]
async fn under_another_name() {
    let renamed = collection::<renamed::Renamed>();
    let id = || renamed::Id("a".to_owned());
    renamed.put(&renamed::Renamed { id: id(), value: 1, other: 2 }).await.unwrap();
    let read = renamed.get(&id()).await.unwrap().unwrap();
    assert_eq!((read.value, read.other), (1, 2));
}

#[tokio::test]
async fn inside_a_function() {
    const PREFIX: &str = "not a prefix";
    #[derive(KvEntity, Debug, PartialEq)]
    #[kv(prefix = "local", group = "a", group(name = "b"))]
    struct Local {
        #[kv(id)]
        id: u64,
        first: u8,
        #[kv(group = "b")]
        second: u8,
    }
    let local = collection::<Local>();
    local.put(&Local { id: 1, first: 2, second: 3 }).await.unwrap();
    assert_eq!(local.get(1).await.unwrap(), Some(Local { id: 1, first: 2, second: 3 }));
    let view: LocalB = kv_runtime::Kv::new(local.store().clone()).collection().get(1).await.unwrap().unwrap();
    assert_eq!(view.second, 3);
    assert!(!PREFIX.contains(Local::SCHEMA.prefix()));
}

/// Types and names that come out of a macro of the application.
macro_rules! entity {
    ($name:ident, $prefix:literal, $id:ty, $($field:ident: $ty:ty),*) => {
        #[derive(KvEntity, Debug, PartialEq)]
        #[kv(prefix = $prefix)]
        pub struct $name {
            #[kv(id)]
            id: $id,
            $($field: $ty,)*
            from_macro: Option<u8>,
        }
    };
}

entity!(FromMacro, "from-macro", u64, from_caller: Vec<u8>);

#[tokio::test]
async fn out_of_a_macro() {
    let entities = collection::<FromMacro>();
    let entity = FromMacro { id: 1, from_caller: vec![1], from_macro: None };
    entities.put(&entity).await.unwrap();
    assert_eq!(entities.get(1).await.unwrap(), Some(entity));
}

/// Lints that an application may have turned on find nothing in generated code.
#[deny(warnings, missing_docs, unused_qualifications, missing_debug_implementations, single_use_lifetimes)]
pub mod linted {
    use kv_runtime::{KvEntity, KvId};

    /// An id.
    #[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Kind {
        /// One.
        One,
    }

    /// An entity.
    #[derive(KvEntity, Debug, Clone)]
    #[kv(prefix = "linted", group = "a", derive(Debug), group(name = "b", optional, derive(Debug)))]
    pub struct Linted<T: Clone> {
        /// Its id.
        #[kv(id)]
        pub id: Kind,
        /// A field.
        #[deprecated = "to see that generated code says nothing of it"]
        pub first: u8,
        /// Another.
        #[kv(group = "b")]
        pub second: Option<T>,
    }
}

#[tokio::test]
async fn under_strict_lints() {
    assert!(collection::<linted::Linted<u8>>().get(linted::Kind::One).await.unwrap().is_none());
}
