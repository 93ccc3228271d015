use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", secret, rename_all = "camelCase")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
