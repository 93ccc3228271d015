use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, id)]
    id: u64,
    #[kv(skip)]
    #[kv(skip)]
    name: String,
}

fn main() {}
