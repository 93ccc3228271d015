use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, group(name = "profile"), group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(group = "profile")]
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
