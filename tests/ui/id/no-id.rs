use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    id: u64,
    name: String,
}

fn main() {}
