use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", view = "UserSettings", group(name = "settings"), group(name = "log", view = "UserSettings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
    #[kv(group = "log")]
    log: String,
}

fn main() {}
