use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(skip)]
    since: std::time::Instant,
}

fn main() {}
