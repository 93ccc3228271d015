use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
struct User {
    #[kv(id, group = "profile")]
    id: u64,
    name: String,
}

fn main() {}
