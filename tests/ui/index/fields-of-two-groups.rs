use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", group(name = "settings"))]
#[kv(index(name = "by_theme", on(country, theme)))]
struct User {
    #[kv(id)]
    id: u64,
    country: String,
    #[kv(group = "settings")]
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "device", group(name = "state"))]
#[kv(index(name = "by_room", on(room, floor), unique))]
struct Device {
    #[kv(id)]
    id: u64,
    floor: u8,
    #[kv(group = "state")]
    room: u16,
}

fn main() {}
