use kv_runtime::KvEntity;
use kv_runtime::migrate::Object;

#[derive(KvEntity)]
#[kv(prefix = "user", version = 3, codec = "postcard", step(1 => up), removed(name = "age", since = 3))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "name", since = 3))]
    user_name: String,
    #[kv(added(since = 3))]
    role: String,
}

fn up(_: &mut Object) -> Result<(), kv_runtime::BoxError> {
    Ok(())
}

fn main() {}
