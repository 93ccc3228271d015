use kv_runtime::index::{Index, Unique};
use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", verson = 2, group(name = "settings"))]
#[kv(index(name = "by_city", on(country, city)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique)]
    email: String,
    country: String,
    city: String,
    #[kv(group = "settings", index(name = "by_theme"))]
    theme: u8,
}

fn main() {
    let _: Unique<User, String> = User::EMAIL;
    let _: Unique<UserProfile, String> = UserProfile::EMAIL;
    let _: Index<User, (String, String)> = User::BY_CITY;
    let _: Index<UserSettings, u8> = UserSettings::BY_THEME;
}
