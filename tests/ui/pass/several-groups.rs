use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", version = 2, oldest = 2)]
#[kv(group(
    name = "settings",
    version = 3,
    oldest = 3,
    ttl = "30d",
    optional,
    view = "UserPrefs",
    derive(Debug, Clone,)
))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {
    let user = User { id: 1, name: String::new(), theme: String::new() };
    assert_eq!((user.id(), user.name.len() + user.theme.len()), (1, 0));
    let prefs = UserPrefs { id: 1, theme: "dark".to_owned() };
    assert_eq!(format!("{:?}", prefs.clone()), "UserPrefs { id: 1, theme: \"dark\" }");
    let profile = UserProfile { id: 1, name: String::new() };
    assert_eq!(profile.id(), 1);
    assert_eq!(UserPrefs::SCHEMA.family(), "User");
}
