use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv = "user"]
struct User {
    #[kv]
    id: u64,
    #[kv = "skip"]
    name: String,
}

fn main() {}
