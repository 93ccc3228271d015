use kv_runtime::KvEntity;

#[derive(serde::Serialize, serde::Deserialize)]
struct Theme;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2)]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 2))]
    theme: Theme,
}

fn main() {}
