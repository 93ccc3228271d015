use kv_runtime::KvEntity;

struct UserSettings {
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    dark: bool,
}

fn main() {}
