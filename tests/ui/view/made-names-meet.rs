use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "a-b"), group(name = "a.b"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "a-b")]
    x: u8,
    #[kv(group = "a.b")]
    y: u8,
}

fn main() {}
