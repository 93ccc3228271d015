use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    dark: bool,
}

fn main() {}
