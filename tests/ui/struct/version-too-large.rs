use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 4294967296)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
