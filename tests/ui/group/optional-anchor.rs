use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group(name = "profile", optional), group(name = "settings", optional))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(group = "profile")]
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
