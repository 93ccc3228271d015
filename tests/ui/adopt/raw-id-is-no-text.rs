use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, raw)]
    id: u64,
}

fn main() {}
