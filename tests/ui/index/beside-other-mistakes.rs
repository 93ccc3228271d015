use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"), index(name = "by_theme", on(theme, colour)))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    colour: String,
    #[kv(group = "setings")]
    theme: String,
    #[kv(group = 3, index)]
    size: u8,
    #[kv(unique, shown)]
    email: String,
}

fn main() {}
