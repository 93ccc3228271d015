use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "settings")]
struct SettingsV1 {
    #[kv(id)]
    id: u64,
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings", version = 2, write_version = 1, previous = SettingsV1))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

impl From<SettingsV1> for UserSettings {
    fn from(old: SettingsV1) -> Self {
        Self { id: old.id, theme: old.theme }
    }
}

impl From<&UserSettings> for SettingsV1 {
    fn from(new: &UserSettings) -> Self {
        Self { id: new.id, theme: new.theme.clone() }
    }
}

fn main() {}
