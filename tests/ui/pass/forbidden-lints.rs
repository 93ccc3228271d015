// Nothing that is generated allows what the application forbids.
#![forbid(dead_code, deprecated)]
#![deny(warnings, unused, missing_docs, non_snake_case, nonstandard_style)]
//! An application.

use kv_runtime::{KvEntity, KvId};

/// An id.
#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Number(u64);

/// A user, of whose views none is named.
#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings", optional))]
struct User {
    /// The id.
    #[kv(id)]
    id: Number,
    /// The name, and an index that nothing looks up.
    #[kv(index)]
    name: String,
    /// The theme.
    #[kv(group = "settings")]
    #[serde(default)]
    dark: bool,
}

fn main() {
    let user = User { id: Number(1), name: String::new(), dark: false };
    assert_eq!((user.id.0, user.name.len(), user.dark), (1, 0, false));
}
