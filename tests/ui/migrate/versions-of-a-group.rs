use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile", version = 2)]
#[kv(group(name = "settings", write_version = 2, step(1 => up)))]
#[kv(group(name = "log", version = 3, oldest = 2))]
#[kv(group(name = "tags", version = 2, oldest = 3))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(added(since = 3))]
    name: String,
    #[kv(group = "settings", added(since = 2))]
    theme: String,
    #[kv(group = "log", added(since = 2), renamed(from = "lines", since = 4))]
    last: String,
    #[kv(group = "tags", added(since = 3))]
    tag: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org", version = 0, oldest = 2, removed(name = "age", since = 3))]
struct Org {
    #[kv(id)]
    id: u64,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
