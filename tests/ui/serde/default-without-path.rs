use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[serde(default = 3)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
