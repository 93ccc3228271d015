use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use kv_runtime::{KvEntity, KvId, Lookup};

/// An id that tells what it is the id of.
#[derive(KvId)]
struct Id<T>(u64, PhantomData<fn() -> T>);

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An id with a bound, and std's derives.
#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
struct Plain<T, const N: usize>(PhantomData<T>, String)
where
    T: fmt::Debug;

struct NoClone;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: Id<User>,
    #[kv(id)]
    other: Id<NoClone>,
    #[kv(id)]
    plain: Plain<u8, 3>,
}

fn names<I: Lookup<<User as KvEntity>::Id>>(_: I) {}

fn main() {
    let plain = Plain(PhantomData, String::new());
    let user = User { id: Id(1, PhantomData), other: Id(2, PhantomData), plain };
    names(&user.id());
    names((user.id, &user.other, &user.plain));
}
