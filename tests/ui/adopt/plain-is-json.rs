use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", plain, codec = "postcard")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", codec = "postcard", group(name = "all", plain), group(name = "other"))]
struct Org {
    #[kv(id)]
    id: u64,
    #[kv(group = "all")]
    name: String,
    #[kv(group = "other")]
    size: u64,
}

fn main() {}
