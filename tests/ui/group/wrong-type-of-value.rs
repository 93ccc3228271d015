use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = settings, version = -1, optional = true, ttl = "forever"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
