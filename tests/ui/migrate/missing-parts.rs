use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, step(up), step, removed, removed(since = 2), previous = "UserV1")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed = "name", renamed(from = "title"))]
    user_name: String,
    #[kv(added)]
    role: String,
    #[kv(added(default = 3))]
    visits: u32,
    #[kv(added(since = 2, default))]
    size: u32,
}

fn main() {}
