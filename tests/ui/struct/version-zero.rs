use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 0)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
