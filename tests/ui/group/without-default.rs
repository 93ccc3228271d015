use kv_runtime::KvEntity;

#[derive(serde::Serialize, serde::Deserialize)]
struct Theme;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings", optional))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: Theme,
}

fn main() {}
