use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "pro:file", group(name = ""))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
