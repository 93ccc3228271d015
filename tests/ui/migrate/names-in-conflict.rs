use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3)]
#[kv(removed(name = "age", since = 2), removed(name = "size", since = 2), removed(name = "size", since = 2))]
#[kv(removed(name = "role", since = 3))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "second", since = 2))]
    first: String,
    #[kv(renamed(from = "first", since = 2))]
    second: String,
    #[kv(renamed(from = "age", since = 2))]
    years: u32,
    #[kv(added(since = 3), renamed(from = "old", since = 2))]
    new: u32,
    #[kv(renamed(from = "a", since = 3), renamed(from = "b", since = 3))]
    c: u32,
    role: String,
    #[kv(renamed(from = "rank", since = 2))]
    grade: u8,
    rank: u8,
}

fn main() {}
