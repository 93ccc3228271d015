use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", plain)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
}

#[derive(KvEntity)]
#[kv(prefix = "page")]
struct Page {
    #[kv(id, raw)]
    path: String,
    #[kv(index)]
    title: String,
}

fn main() {}
