use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(ordered)]
    rank: u32,
    #[kv(secret)]
    token: String,
}

fn main() {}
