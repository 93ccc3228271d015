use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "point")]
struct Point {
    #[kv(id)]
    org: u64,
    #[kv(id)]
    tags: Vec<String>,
    name: String,
}

fn main() {}
