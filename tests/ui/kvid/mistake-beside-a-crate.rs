// As `renamed = { package = "kv-runtime", ... }` would, and nobody else is called `kv_runtime`.
mod kv_runtime {}
mod deps {
    pub extern crate kv_runtime as renamed;
}

use deps::renamed::{KvEntity, KvId};

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(crate = "crate::deps::renamed", bogus)]
enum Kind {
    One,
}

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(crate = "crate::deps::renamed")]
struct Nothing;

#[derive(KvEntity)]
#[kv(crate = "crate::deps::renamed", prefix = "user")]
struct User {
    #[kv(id)]
    kind: Kind,
    #[kv(id)]
    nothing: Nothing,
}

#[derive(KvEntity)]
#[kv(crate = "crate::deps::renamed", prefix = "tuple")]
struct Tuple(u64);

fn main() {}
