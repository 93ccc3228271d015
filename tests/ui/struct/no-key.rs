use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv("user", version = 2, ttl = "5x")]
#[kv(group("settings"), step(1 => up, 3))]
struct User {
    #[kv("id", ordred)]
    id: u64,
    name: String,
    #[kv(added(2), group = "settings")]
    theme: String,
}

fn main() {}
