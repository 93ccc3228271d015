//! Lints that an application may have turned on find nothing in generated code.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

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
    #[kv(index)]
    #[deprecated = "to see that generated code says nothing of it"]
    pub first: u8,
    /// Another.
    #[kv(group = "b", index, unique(name = "second_again"))]
    pub second: Option<T>,
}

fn main() {
    #[expect(deprecated)]
    let linted = Linted { id: Kind::One, first: 1, second: Some(1_u8) };
    assert_eq!(linted.id(), Kind::One);
}
