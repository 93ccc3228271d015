use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, step(1 => up))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 3, default = "guest"))]
    role: String,
    #[kv(added(since = 3))]
    kind: Kind,
}

#[derive(serde::Serialize, serde::Deserialize)]
enum Kind {
    Guest,
}

fn up(_: &mut String) {}

fn main() {}
