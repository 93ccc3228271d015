use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
