use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "settings")]
struct SettingsV1 {
    #[kv(id)]
    id: u64,
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", version = 2, previous = SettingsV1)]
#[kv(group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

impl From<SettingsV1> for UserProfile {
    fn from(old: SettingsV1) -> Self {
        Self { id: old.id, name: old.theme }
    }
}

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2, group = "settings", previous = User)]
struct Settings {
    #[kv(id)]
    id: u64,
    theme: String,
}

impl From<User> for Settings {
    fn from(old: User) -> Self {
        Self { id: old.id, theme: old.theme }
    }
}

fn main() {}
