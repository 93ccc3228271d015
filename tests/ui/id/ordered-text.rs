use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id, ordered)]
    name: String,
    age: u8,
}

fn main() {}
