use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(version = 2, oldest = 2))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
