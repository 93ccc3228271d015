use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefx = "user", prefix = "user", colour = "red", ttl = "24h")]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

fn main() {}
