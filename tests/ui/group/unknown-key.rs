use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group(nam = "a", prefix = "b", name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {}
