use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(skp)]
    name: String,
    #[kv(ttl = "1h")]
    age: u8,
}

fn main() {}
