// What a struct says of lints holds for what is generated from it.
#![deny(warnings, nonstandard_style, missing_docs)]
//! An application.

use kv_runtime::KvEntity;

/// Camel case, as another program calls it.
#[derive(KvEntity)]
#[kv(prefix = "user", group = "a", group(name = "b"))]
#[expect(non_snake_case, reason = "as JavaScript calls them")]
pub struct Foreign {
    /// The id.
    #[kv(id)]
    pub id: u64,
    /// One.
    pub firstName: String,
    /// Two.
    #[kv(group = "b")]
    pub lastName: String,
}

/// One field alone.
#[derive(KvEntity)]
#[kv(prefix = "one", group = "a", group(name = "b"))]
pub struct One {
    /// The id.
    #[kv(id)]
    pub id: u64,
    /// One.
    pub first: String,
    #[allow(missing_docs)]
    #[kv(group = "b")]
    pub second: String,
}

/// An old name.
#[allow(non_camel_case_types)]
#[derive(KvEntity)]
#[kv(prefix = "old")]
pub struct user_v1 {
    /// The id.
    #[kv(id)]
    pub id: u64,
}

/// A name that nobody should use any more.
#[deprecated]
#[derive(KvEntity)]
#[kv(prefix = "gone")]
pub struct Gone {
    /// The id.
    #[kv(id)]
    pub id: u64,
}

/// A field that nobody should use any more.
#[derive(KvEntity)]
#[kv(prefix = "going", group = "a", group(name = "b"))]
pub struct Going {
    /// The id.
    #[kv(id)]
    pub id: u64,
    /// One.
    #[deprecated]
    pub one: u64,
    /// Two.
    #[kv(group = "b")]
    pub two: u64,
}

fn main() {}
