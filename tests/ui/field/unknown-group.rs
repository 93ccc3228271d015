use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "setting")]
    theme: String,
    #[kv(group = "settings")]
    items: u32,
}

fn main() {}
