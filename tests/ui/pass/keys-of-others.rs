//! Raw ids and shared prefixes, beside keys of this program.

use kv_runtime::{KvEntity, schema};

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id)]
    org: u32,
    #[kv(id, raw, secret)]
    path: String,
}

#[derive(KvEntity)]
#[kv(shared_prefix = "celery-task-meta-", plain)]
struct Task {
    #[kv(id, raw)]
    id: Box<str>,
}

#[derive(KvEntity)]
#[kv(shared_prefix = ":1:user:", group(name = "a"), group(name = "b"))]
struct Django {
    #[kv(id)]
    id: u64,
    #[kv(group = "a")]
    a: u8,
    #[kv(group = "b")]
    b: u8,
}

schema!(App: User, Task, Django, DjangoA);

fn main() {}
