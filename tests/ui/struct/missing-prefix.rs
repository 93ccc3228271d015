use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(version = 2, oldest = 2)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
