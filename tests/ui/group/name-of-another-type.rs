use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = 3))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
