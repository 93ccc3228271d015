use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group(name = "settings"), group = "profile")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
