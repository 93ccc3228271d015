use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", crate = "not a path")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
