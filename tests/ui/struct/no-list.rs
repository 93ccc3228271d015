use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
