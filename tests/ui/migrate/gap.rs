use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 2)]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", version = 9, oldest = 2, step(5 => up))]
struct Org {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 4))]
    title: String,
}

#[derive(KvEntity)]
#[kv(prefix = "device", group(name = "state"), group(name = "config", version = 4294967295))]
struct Device {
    #[kv(id)]
    id: u64,
    #[kv(group = "state")]
    online: bool,
    #[kv(group = "config", added(since = 3))]
    interval: u64,
}

#[derive(KvEntity)]
#[kv(prefix = "point", version = 2, codec = "postcard")]
struct Point {
    #[kv(id)]
    id: u64,
    x: i32,
}

fn up(_: &mut kv_runtime::migrate::Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
