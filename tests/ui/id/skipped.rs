use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, skip)]
    id: u64,
    name: String,
}

fn main() {}
