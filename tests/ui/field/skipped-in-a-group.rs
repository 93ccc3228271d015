use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "a")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(skip, group = "a")]
    cached: String,
    #[kv(skip, expires_at)]
    until: u64,
}

fn main() {}
